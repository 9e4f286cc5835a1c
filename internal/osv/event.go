package osv

import (
	"github.com/modelsigning/modelsigning/internal/pep440"
	"github.com/modelsigning/modelsigning/internal/strictjson"
)

type kind int

const (
	fixed        kind = iota // the version, and those behind it, are not affected
	lastAffected             // those behind the version are not
	limit                    // no event counts for the version and those behind it
	introduced               // the version and those behind it are affected
)

type event struct {
	kind    kind
	first   bool // "0": before all versions; with limit "*": behind all
	version pep440.Version
}

var kinds = map[string]kind{"introduced": introduced, "fixed": fixed, "last_affected": lastAffected, "limit": limit}

func readEvent(d *strictjson.Decoder, i int, events *[]event) error {
	if i == maxEntries {
		return d.Errorf("more than %d events", maxEntries)
	}
	read := false
	err := d.Object(func(name string) error {
		k, known := kinds[name]
		text, err := d.String()
		switch {
		case err != nil:
			return err
		case !known || read:
			return d.Errorf("is not an event, or more than one")
		}
		read = true
		e := event{kind: k, first: k == introduced && text == "0" || k == limit && text == "*"}
		if !e.first {
			if e.version, err = pep440.Parse(text); err != nil {
				return d.Errorf("%v", err)
			}
		}
		*events = append(*events, e)
		return nil
	})
	if err == nil && !read {
		err = d.Errorf("is not an event")
	}
	return err
}

// compare orders events. Of those at one version, that which says more is last: the version is affected.
func (e event) compare(f event) int {
	if e.first || f.first {
		return boolean(f.first) - boolean(e.first)
	}
	if c := e.version.Compare(f.version); c != 0 {
		return c
	}
	return int(e.kind) - int(f.kind)
}

func boolean(b bool) int {
	if b {
		return 1
	}
	return 0
}
