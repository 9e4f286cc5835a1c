//go:build !unix

package verifying_test

import "time"

var began = time.Now()

func used() time.Duration { return time.Since(began) }
