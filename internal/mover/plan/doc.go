// Package plan looks through a volume before it is copied: how much there is, and in what parts it can be copied side by side. Its
// memory is bounded whatever the volume holds.
//
// It must not know what copies the parts, nor anything of connections.
package plan
