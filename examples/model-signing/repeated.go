package main

import (
	"errors"
	"strings"
)

// Repeated is the values of a flag that may be repeated. pflag's own StringArray writes its default as CSV, which takes
// a buffer of 4 KiB for each such flag of each command, at each start.
type repeated []string

func (l *repeated) String() string { return strings.Join(*l, ",") }
func (*repeated) Type() string     { return "list" }

// Set refuses an empty value, such as a variable that was not set: as a path it would be the working directory.
func (l *repeated) Set(value string) error {
	if value == "" {
		return errors.New("is empty")
	}
	*l = append(*l, value)
	return nil
}
