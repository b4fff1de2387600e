// Package action serves Actions: it leads each from one stage to the next, writes down what came of it and tells it in events.
//
// It must not know what the stages are: package failover does.
package action
