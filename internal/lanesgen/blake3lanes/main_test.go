package main

import "testing"

func TestUpToDate(t *testing.T) {
	files, err := generate()
	if err != nil {
		t.Fatal(err)
	}
	if err := files.Compare("../../" + pkg); err != nil {
		t.Error(err)
	}
}
