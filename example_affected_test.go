package modelsigning_test

import (
	"fmt"
	"log"

	"github.com/modelsigning/modelsigning/bundle/provenance/affected"
)

func Example_affected() {
	query, err := affected.Versions("<2.17.1", "tensorflow", "tensorflow-cpu")
	if err != nil {
		log.Fatal(err)
	}
	packages := affected.ListOf([]string{"pkg:pypi/numpy@2.1.0", "pkg:pypi/tensorflow@2.16.1"}, true)
	answer := query.Ask(packages)
	fmt.Println(answer.Status)
	for _, f := range answer.Findings {
		fmt.Println(f.Reason)
	}
	// Output:
	// affected
	// tensorflow: version 2.16.1 is within <2.17.1
}
