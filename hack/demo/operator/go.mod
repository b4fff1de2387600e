// The Go module of a real operator, pinned: the demo installs its CustomResourceDefinitions. A module of its own, so that
// nothing of the operator's gets into Godwit.
module github.com/godwit-io/godwit/hack/demo/operator

go 1.26.0

require github.com/prometheus-operator/prometheus-operator v0.85.0
