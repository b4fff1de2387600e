// Package block copies a block device, or one huge file, to another.
package block
