package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/spf13/cobra"
)

// A format is how results are written: the flag --output.
type format string

const (
	formatText format = "text"
	formatJSON format = "json"
)

func (f *format) String() string { return string(*f) }
func (f *format) Type() string   { return "FORMAT" }

func (f *format) Set(s string) error {
	switch format(s) {
	case formatText, formatJSON:
		*f = format(s)
		return nil
	}
	return errors.New("is neither text nor json")
}

func addOutput(root *cobra.Command) {
	f := formatText
	root.PersistentFlags().Var(&f, "output", "write results as text, or as one line of json")
}

// report writes what a command has found to standard output: for a person what text prints, or for a program one line
// of JSON, an object whose only member is value under the name that docs/command-line.md gives it.
func report(c *cobra.Command, name string, value any, text func(w io.Writer)) error {
	if c.Flag("output").Value.String() == string(formatJSON) {
		return writeJSON(c.OutOrStdout(), name, value)
	}
	w := bufio.NewWriter(c.OutOrStdout())
	text(w)
	return w.Flush()
}

// reportError writes to standard output why a command failed, if JSON is asked for.
func reportError(w io.Writer, args []string, err error) {
	if wantsJSON(args) {
		_ = writeJSON(w, "error", newFailure(err)) // standard error says it, too
	}
}

// wantsJSON looks at the arguments themselves, since that they can't be parsed may be what there is to report.
func wantsJSON(args []string) bool {
	wants := false
	for i, a := range args {
		value, given := strings.CutPrefix(a, "--output=")
		switch {
		case a == "--":
			return wants
		case a == "--output" && i+1 < len(args):
			wants = args[i+1] == string(formatJSON)
		case given:
			wants = value == string(formatJSON)
		}
	}
	return wants
}

func writeJSON(w io.Writer, name string, value any) error {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(map[string]any{name: value}); err != nil {
		return fmt.Errorf("writing JSON: %w", err)
	}
	_, err := w.Write(escaped(b.Bytes()))
	return err
}

// escaped spells what JSON allows in strings and a terminal may act on by escapes, which mean the same.
func escaped(doc []byte) []byte {
	plain := func(r rune) bool { return r == '\n' || strconv.IsPrint(r) }
	if i := bytes.IndexFunc(doc, func(r rune) bool { return !plain(r) }); i < 0 {
		return doc
	}
	b := make([]byte, 0, len(doc)+64)
	for len(doc) > 0 {
		r, n := utf8.DecodeRune(doc)
		switch {
		case plain(r):
			b = append(b, doc[:n]...)
		case r > 0xffff:
			r1, r2 := utf16.EncodeRune(r)
			b = fmt.Appendf(b, `\u%04x\u%04x`, r1, r2)
		default:
			b = fmt.Appendf(b, `\u%04x`, r)
		}
		doc = doc[n:]
	}
	return b
}
