package affected_test

import (
	"fmt"
	"log"

	"github.com/modelsigning/modelsigning/bundle/provenance/affected"
)

func Example() {
	query, err := affected.Versions("<2.17.1", "tensorflow", "tensorflow-cpu")
	if err != nil {
		log.Fatal(err)
	}
	for _, list := range []affected.List{
		affected.ListOf([]string{"pkg:pypi/numpy@2.1.0", "pkg:pypi/tensorflow@2.16.1"}, true),
		affected.ListOf([]string{"pkg:pypi/numpy@2.1.0", "pkg:pypi/tensorflow@2.18.0"}, true),
		affected.ListOf([]string{"pkg:pypi/numpy@2.1.0"}, false),
	} {
		answer := query.Ask(list)
		fmt.Printf("%v: %s\n", answer.Status, answer.Findings[0].Reason)
	}
	// Output:
	// affected: tensorflow: version 2.16.1 is within <2.17.1
	// not affected: tensorflow: version 2.18.0 is not within <2.17.1
	// unknown: tensorflow is not in the list of packages, which is not complete
}
