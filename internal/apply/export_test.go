package apply

// Difference is for tests that look at the package from outside.
var Difference = difference
