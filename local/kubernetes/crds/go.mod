// Pins the modules whose published CustomResourceDefinitions the sandbox installs. Nothing is compiled from them.
module foundation/crds

go 1.26.0

require (
	github.com/cert-manager/cert-manager v1.21.2
	github.com/k3s-io/helm-controller v0.17.9
	github.com/prometheus-operator/prometheus-operator v0.85.0
	github.com/traefik/traefik/v3 v3.7.13
)
