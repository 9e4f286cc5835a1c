package main

import (
	"fmt"
	"io"

	"github.com/modelsigning/modelsigning/bundle/provenance/affected"
)

// answers are what the command provenance affected has found.
type answers struct {
	Status      string   `json:"status"` // the worst
	Unverified  bool     `json:"unverified"`
	Affected    int      `json:"affected"`
	NotAffected int      `json:"not_affected"`
	Unknown     int      `json:"unknown"`
	Answers     []answer `json:"answers"`
	Withdrawn   []string `json:"withdrawn"` // records that were not asked for

	worst affected.Status
}

// An answer is that for one file.
type answer struct {
	Provenance string `json:"provenance"`
	Model      string `json:"model,omitempty"`
	Status     string `json:"status"`
	// Findings are why, at most as many as are shown of FindingCount.
	Findings     []finding `json:"findings"`
	FindingCount int       `json:"finding_count"`
	// Error is why nothing of the file could be believed.
	Error string `json:"error,omitempty"`

	status affected.Status
}

type finding struct {
	Package string `json:"package"`
	Version string `json:"version,omitempty"`
	Record  string `json:"record,omitempty"`
	Reason  string `json:"reason"`
}

func (a *answers) count(s affected.Status) {
	if a.Affected+a.NotAffected+a.Unknown == 0 {
		a.worst = s
	}
	switch s {
	case affected.Affected:
		a.Affected++
	case affected.NotAffected:
		a.NotAffected++
	default:
		a.Unknown++
	}
	a.worst = affected.Worst(a.worst, s)
	a.Status = a.worst.String()
}

// add adds the answer for one bundle of the file. The worst counts.
func (a *answer) add(got affected.Answer, first bool) {
	status := got.Status
	if !first {
		status = affected.Worst(a.status, got.Status)
	}
	if first || status != a.status {
		a.Findings, a.FindingCount = []finding{}, 0
	}
	a.status = status
	if got.Status != status {
		return
	}
	a.FindingCount += got.Count
	for _, f := range got.Findings[:min(len(got.Findings), shown-len(a.Findings))] {
		a.Findings = append(a.Findings, finding{f.Package, f.Version, f.Record, f.Reason})
	}
}

// print writes a line, and says in it if nothing was verified, since lines get copied alone.
func (a *answer) print(w io.Writer, unverified bool) {
	mark := ""
	if unverified {
		mark = "unverified  "
	}
	reason := printable(a.Error)
	if len(a.Findings) > 0 {
		f := a.Findings[0]
		reason = printable(f.Reason)
		if f.Record != "" {
			reason += " (" + printable(f.Record) + ")"
		}
		if a.FindingCount > 1 {
			reason += fmt.Sprintf("; and %d more", a.FindingCount-1)
		}
	}
	fmt.Fprintf(w, "%s%-12s  %s: %s\n", mark, a.status, quoted(a.Provenance), reason)
}

// answered is the end of a command that has written answers, which are not all good.
type answered struct{ *answers }

func (e *answered) Error() string {
	n := e.Affected + e.NotAffected + e.Unknown
	if e.Affected > 0 {
		return fmt.Sprintf("%d of %d models affected, %d unknown", e.Affected, n, e.Unknown)
	}
	return fmt.Sprintf("no model known to be affected, and %d of %d unknown", e.Unknown, n)
}

func (e *answered) exitCode() int {
	if e.Affected > 0 {
		return exitRejected
	}
	return exitUnknown
}
