package main

import "strings"

// Repeated is the values of a flag that may be repeated. pflag's own StringArray writes its default as CSV, which takes
// a buffer of 4 KiB for each such flag of each command, at each start.
type repeated []string

func (l *repeated) String() string { return strings.Join(*l, ",") }
func (*repeated) Type() string     { return "list" }

func (l *repeated) Set(value string) error {
	*l = append(*l, value)
	return nil
}
