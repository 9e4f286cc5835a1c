// Package k8scheck holds the test of examples/kubernetes: that its manifests are what the Kubernetes API takes. It is a
// module of its own, so that importers of the library never see the API's.
package k8scheck
