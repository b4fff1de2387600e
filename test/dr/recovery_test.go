package dr_test

import (
	. "github.com/onsi/ginkgo/v2"
)

// Schedules run each minute at most, and look each minute whether their applications have come back. So the specs do not wait one
// after the other: what one begins, a later one finds done.
var _ = Describe("Disaster recovery", Ordered, ContinueOnFailure, func() {
	Describe("of volumes that both clusters share", func() {
		It("keeps the application at the standby, stopped", beginMetro)
	})
	Describe("by hand", func() {
		It("starts the application at the standby by storkctl activate", activateByHand)
	})
	Describe("by Actions, with custom resources of operators", func() {
		It("keeps them at the standby, stopped or stashed, with a copy of the schedule", beginCycle)
		It("fails over, and suspends the schedule", failOverCycle)
		It("migrates back and fails back", failBackCycle)
	})
	Describe("by hand", func() {
		It("has the schedule suspend itself, and stops the application by storkctl deactivate", deactivateByHand)
	})
	Describe("with Rancher", func() {
		It("maps projects on the way there, and back on the way back", mapProjects)
	})
	Describe("of one of three namespaces", func() {
		It("leaves the others where they are, for a schedule of their own", failOverPartly)
	})
	Describe("by Actions, with custom resources of operators", func() {
		It("resumes the schedule after the failback", resumeCycle)
	})
	Describe("of volumes that both clusters share", func() {
		It("keeps the application stopped with each further Migration, and fails it over", endMetro)
	})
	Describe("by hand", func() {
		It("has the schedule resume itself", resumeByHand)
	})
})
