package verifying

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"

	"github.com/modelsigning/modelsigning/bundle"
	"github.com/modelsigning/modelsigning/hashing"
	"github.com/modelsigning/modelsigning/internal/inside"
)

// A MultiResult says what several signatures prove of one model.
type MultiResult struct {
	// Signatures has one for each signature that was given, in that order, those that were refused among them.
	Signatures []SignatureResult
	// Signers is how many different signers vouch for the model; see [CountSigners].
	Signers int
	// Ignored and Unsigned are as in [Result], of all signatures that were not refused together: what at least one
	// of them does not cover. Unread is what was not read for at least one of them. Sorted.
	Ignored, Unsigned, Unread []string
}

// A SignatureResult says what one of several signatures proves.
type SignatureResult struct {
	// Name is the file's, or "bundle 1" and so on where bundles were given.
	Name string
	// Result is what [Configuration.Verify] would have returned; nil if the signature was refused.
	Result *Result
	// Err is why it was refused, nil if it was not.
	Err error
}

// A ThresholdError says that fewer different signers than needed vouch for a model. Unwrap has the reasons of all
// refused signatures, so ask for this error before those that the package documentation lists.
type ThresholdError struct {
	Model string
	// Want is how many different signers are needed, and Got how many there are.
	Want, Got int
	// Signatures says of each signature why it was refused, or who made it.
	Signatures []SignatureResult
}

// Error prints what became of the first few signatures.
func (e *ThresholdError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d different signers are needed, and %d vouch for the model", e.Want, e.Got)
	for i, s := range e.Signatures {
		if i == shownAlternatives {
			fmt.Fprintf(&b, "; and %d more signatures", len(e.Signatures)-i)
			break
		}
		text := ""
		if s.Err != nil {
			text = s.Err.Error()
		} else if s.Result != nil {
			text = fmt.Sprintf("signed by %q", s.Result.Signer.Subject)
		}
		fmt.Fprintf(&b, "; %s: %s", s.Name, clip(text, shownReason))
	}
	return b.String()
}

// Unwrap returns why signatures were refused.
func (e *ThresholdError) Unwrap() []error {
	var errs []error
	for _, s := range e.Signatures {
		if s.Err != nil {
			errs = append(errs, s.Err)
		}
	}
	return errs
}

// errTooFew is of signatures that are good, of which nobody knows whether they are of the model.
var errTooFew = errors.New("not compared with the model, since there are too few others")

// VerifyThreshold verifies that at least n different signers, as [CountSigners] counts them, have signed the model:
// that n of the signatures, files with bundles, are of signers whom the verifier accepts, and are of this model. A
// signature that is not, or can't be read, does not count, and is no error if there are enough others.
//
// Signatures come first; the model is only hashed if enough of them are good, once for all that say the same about
// how. Files of signatures in the model are left out, but for those that a signature covers, as one that was made
// later may, and those that are no signatures at all: under the name of a signature, nothing passes unseen.
//
// If too few remain, the error wraps a [*ThresholdError]. Configure who may sign with [Configuration.UseAny].
func (c Configuration) VerifyThreshold(ctx context.Context, model string, n int, signatures ...string) (*MultiResult, error) {
	ctx, s := c.trace(ctx)
	r, err := c.verifyThreshold(ctx, model, n, signatures)
	s.End(err)
	if err != nil {
		return nil, fmt.Errorf("verifying %s: %w", model, err)
	}
	return r, nil
}

func (c Configuration) verifyThreshold(ctx context.Context, model string, n int, signatures []string) (*MultiResult, error) {
	info, err := os.Stat(model)
	if err != nil {
		return nil, err
	}
	v := voting{Configuration: c, model: model, dir: info.IsDir(), need: n}
	v.report = func(h hashing.Configuration) (*hashing.Report, error) { return h.Report(ctx, model) }
	if err := v.check(len(signatures)); err != nil {
		return nil, err
	}
	for _, name := range signatures {
		b, err := c.read(name)
		if err == nil && v.dir {
			err = v.leaveOut(b, name)
		}
		v.add(ctx, name, b, err)
	}
	return v.run(ctx)
}

// VerifyThresholdFS is to [Configuration.VerifyThreshold] what [Configuration.VerifyFS] is to VerifyContext.
func (c Configuration) VerifyThresholdFS(ctx context.Context, fsys fs.FS, name string, n int, bundles ...*bundle.Bundle) (*MultiResult, error) {
	ctx, s := c.trace(ctx)
	v := voting{Configuration: c, model: name, dir: true, need: n}
	v.report = func(h hashing.Configuration) (*hashing.Report, error) { return h.ReportFS(ctx, fsys, name) }
	var r *MultiResult
	err := v.check(len(bundles))
	if err == nil {
		for i, b := range bundles {
			v.add(ctx, fmt.Sprintf("bundle %d", i+1), b, nil)
		}
		r, err = v.run(ctx)
	}
	s.End(err)
	if err != nil {
		return nil, fmt.Errorf("verifying %s: %w", name, err)
	}
	return r, nil
}

// A voting is the verification of one model with several signatures.
type voting struct {
	Configuration
	model  string
	dir    bool
	need   int
	report func(hashing.Configuration) (*hashing.Report, error)
	own    []string // paths of signatures in the model
	all    []SignatureResult
}

func (v *voting) check(given int) error {
	switch err := v.ready(); {
	case err != nil:
		return err
	case v.need < 1:
		return fmt.Errorf("the number of signers needed is %d, and must be positive", v.need)
	case v.need > given:
		return fmt.Errorf("%d signers are needed, and there are %d signatures", v.need, given)
	}
	return nil
}

// leaveOut has hashing leave out the file of a signature. One who could give any file to a model, under the name of
// a signature, would have it pass unseen; what is left out therefore is a signature of the format, if not a good one.
func (v *voting) leaveOut(b *bundle.Bundle, name string) error {
	if _, err := bundle.ParseStatement(b.UnverifiedStatement()); err != nil {
		return err
	}
	own, err := inside.Paths(v.model, name)
	v.own = append(v.own, own...)
	return err
}

// add checks a signature, if there is no error yet.
func (v *voting) add(ctx context.Context, name string, b *bundle.Bundle, err error) {
	s := SignatureResult{Name: name, Err: err}
	if err == nil {
		s.Result, s.Err = v.open(ctx, b)
	}
	v.all = append(v.all, s)
}

func (v *voting) run(ctx context.Context) (*MultiResult, error) {
	if signers := v.count(); signers < v.need && ctx.Err() == nil {
		for i := range v.all {
			if s := &v.all[i]; s.Err == nil {
				// By whom, since two good signatures may be of one signer.
				s.Err = fmt.Errorf("signed by %.200q, and %w", s.Result.Signer.Subject, errTooFew)
				s.Result = nil
			}
		}
		return nil, &ThresholdError{v.model, v.need, signers, v.all}
	}
	for _, g := range v.groups() {
		v.compareGroup(g)
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
	}
	signers := v.count()
	if signers < v.need {
		return nil, &ThresholdError{v.model, v.need, signers, v.all}
	}
	m := &MultiResult{Signatures: v.all, Signers: signers}
	for _, s := range v.all {
		if s.Err == nil {
			m.Ignored = append(m.Ignored, s.Result.Ignored...)
			m.Unsigned = append(m.Unsigned, s.Result.Unsigned...)
			m.Unread = append(m.Unread, s.Result.Unread...)
		}
	}
	for _, list := range []*[]string{&m.Ignored, &m.Unsigned, &m.Unread} {
		slices.Sort(*list)
		*list = slices.Compact(*list)
	}
	return m, ctx.Err()
}

// count returns how many different signers have made the signatures that are not refused.
func (v *voting) count() int {
	var signers []Identity
	for _, s := range v.all {
		if s.Err == nil {
			signers = append(signers, s.Result.Signer)
		}
	}
	return CountSigners(signers...)
}
