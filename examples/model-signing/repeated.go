package main

import "strings"

// Repeated is the values of a flag that may be repeated. For each flag of its own kind pflag allocates 4 KiB.
type repeated []string

func (l *repeated) String() string { return strings.Join(*l, ",") }
func (*repeated) Type() string     { return "list" }

func (l *repeated) Set(value string) error {
	*l = append(*l, value)
	return nil
}
