// Package schedule tells when something that runs by a SchedulePolicy is due, and when it will be next.
//
// It is pure: times go in and come out. It must know no client and no clock, nor what is run: a controller asks it with what its
// status remembers, and waits.
package schedule
