// netpol says whether NetworkPolicies allow given flows. It reads {"policies": [...], "traffic": [...]} on standard
// input and answers with one {"ingress": bool, "egress": bool} for each flow: cyclonus' matcher, in JSON.
package main

import (
	"encoding/json"
	"log"
	"os"

	"github.com/mattfenwick/cyclonus/pkg/matcher"
	networkingv1 "k8s.io/api/networking/v1"
)

type question struct {
	Policies []*networkingv1.NetworkPolicy
	Traffic  []*matcher.Traffic
}

type answer struct {
	Ingress bool `json:"ingress"`
	Egress  bool `json:"egress"`
}

func main() {
	var asked question
	if err := json.NewDecoder(os.Stdin).Decode(&asked); err != nil {
		log.Fatalf("standard input: %v", err)
	}
	policy := matcher.BuildNetworkPolicies(true, asked.Policies)
	answers := make([]answer, len(asked.Traffic))
	for i, traffic := range asked.Traffic {
		allowed := policy.IsTrafficAllowed(traffic)
		answers[i] = answer{allowed.Ingress.IsAllowed(), allowed.Egress.IsAllowed()}
	}
	if err := json.NewEncoder(os.Stdout).Encode(answers); err != nil {
		log.Fatal(err)
	}
}
