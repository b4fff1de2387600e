package chart_test

import (
	"context"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/godwit-io/godwit/hack/localgodwit"
	"github.com/godwit-io/godwit/test/suite"
)

// operator is a running process.
type operator struct{ *localgodwit.Manager }

// log returns what the operator has written so far.
func (o *operator) log() string {
	GinkgoHelper()
	content, err := o.Log()
	Expect(err).NotTo(HaveOccurred())
	return content
}

// startOperator runs the operator with no more rights than the installed roles give.
func startOperator(ctx context.Context, name string) *operator {
	GinkgoHelper()
	installed := localgodwit.Release{
		Cluster: source, Client: here, Name: client.ObjectKey{Namespace: namespace, Name: release}, Binary: operatorPath, Folder: workspace,
	}
	manager, err := installed.Start(ctx, name)
	Expect(err).NotTo(HaveOccurred())
	DeferCleanup(func() error {
		suite.ShowLog(manager)
		return manager.Stop()
	})
	return &operator{Manager: manager}
}

// token returns a token of a ServiceAccount as the kubelet would get one.
func token(ctx context.Context, namespace, name string) string {
	GinkgoHelper()
	found, err := localgodwit.Token(ctx, here, client.ObjectKey{Namespace: namespace, Name: name})
	Expect(err).NotTo(HaveOccurred())
	return found
}
