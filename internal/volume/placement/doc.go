// Package placement says what a PersistentVolumeClaim has to look like at the destination: its class, its size, whether one that is there
// already will do, and whether somebody uses it.
//
// Its functions are pure: they look at their arguments only and change none of them. It must not know clients, nor how data are copied.
package placement
