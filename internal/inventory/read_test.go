package inventory

import (
	"errors"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

func TestConcernsKindOnly(t *testing.T) {
	widgets := schema.GroupResource{Group: "example.com", Resource: "widgets"}
	// What an API server answers where the webhook that converts a custom resource is gone.
	conversion := &apierrors.StatusError{ErrStatus: metav1.Status{
		Status: metav1.StatusFailure, Code: 500,
		Message: `conversion webhook for example.com/v1, Kind=Widget failed: service "widgets" not found`,
	}}
	for name, test := range map[string]struct {
		err  error
		want bool
	}{
		"a kind that may not be read":             {err: apierrors.NewForbidden(widgets, "", errors.New("no")), want: true},
		"a kind that has vanished":                {err: apierrors.NewNotFound(widgets, ""), want: true},
		"a kind that cannot be converted":         {err: conversion, want: true},
		"an API server that fails":                {err: apierrors.NewInternalError(errors.New("etcd")), want: false},
		"an API server that does not answer":      {err: errors.New("connection refused"), want: false},
		"nothing at all, which concerns no kinds": {},
	} {
		t.Run(name, func(t *testing.T) {
			if got := concernsKindOnly(test.err); got != test.want {
				t.Errorf("got %t", got)
			}
		})
	}
}
