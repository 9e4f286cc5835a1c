package main

import (
	"testing"

	"github.com/modelsigning/modelsigning/internal/lanesgen/kernels"
)

func TestUpToDate(t *testing.T) {
	if err := kernels.Compare(pkg, generate); err != nil {
		t.Error(err)
	}
}
