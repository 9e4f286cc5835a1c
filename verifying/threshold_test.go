package verifying_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/modelsigning/modelsigning/bundle"
	"github.com/modelsigning/modelsigning/hashing"
	"github.com/modelsigning/modelsigning/internal/certtest"
	"github.com/modelsigning/modelsigning/signing"
	"github.com/modelsigning/modelsigning/verifying"
)

// A council is three keys and a model that each has signed, with the signatures beside it.
type council struct {
	model string
	keys  []*ecdsa.PrivateKey
	sigs  []string
}

func newCouncil(t *testing.T) council {
	c := council{model: tree(t, small)}
	for i := range 3 {
		c.keys = append(c.keys, newKey(t, elliptic.P256()))
		c.sigs = append(c.sigs, filepath.Join(filepath.Dir(c.model), string(rune('a'+i))+".sig"))
		if err := signer(c.keys[i]).Sign(c.model, c.sigs[i]); err != nil {
			t.Fatal(err)
		}
	}
	return c
}

// accepting accepts all keys of the council.
func (c council) accepting() verifying.Configuration {
	var all []verifying.Configuration
	for _, k := range c.keys {
		all = append(all, verifier(k))
	}
	return verifying.Config().UseAny(all...)
}

func TestVerifyThreshold(t *testing.T) {
	c := newCouncil(t)
	dir := filepath.Dir(c.model)
	stranger := filepath.Join(dir, "stranger.sig")
	if err := signer(newKey(t, elliptic.P256())).Sign(c.model, stranger); err != nil {
		t.Fatal(err)
	}
	junk, missing := filepath.Join(dir, "junk.sig"), filepath.Join(dir, "missing.sig")
	write(t, junk, "{")
	another := tree(t, map[string]string{"x": "y"})
	ofAnother := filepath.Join(dir, "another.sig")
	if err := signer(c.keys[0]).Sign(another, ofAnother); err != nil {
		t.Fatal(err)
	}
	again := filepath.Join(dir, "again.sig")
	if err := signer(c.keys[0]).Sign(c.model, again); err != nil {
		t.Fatal(err)
	}
	a, b := c.sigs[0], c.sigs[1]
	for name, test := range map[string]struct {
		need int
		sigs []string
		got  int
		errs []error // of each signature
	}{
		"all":                 {3, c.sigs, 3, []error{nil, nil, nil}},
		"two of three":        {2, c.sigs, 3, []error{nil, nil, nil}},
		"one twice":           {2, []string{a, a}, 1, []error{nil, nil}},
		"one by one signer":   {1, []string{a, again}, 1, []error{nil, nil}},
		"the same signer":     {2, []string{a, again}, 1, []error{nil, nil}},
		"bad ones among them": {2, []string{junk, a, stranger, missing, b, ofAnother}, 2, []error{bundle.ErrMalformed, nil, verifying.ErrIdentity, fs.ErrNotExist, nil, errMismatch}},
		"bad ones":            {2, []string{junk, a, stranger}, 1, []error{bundle.ErrMalformed, nil, verifying.ErrIdentity}},
		"of another model":    {2, []string{ofAnother, b}, 1, []error{errMismatch, nil}},
		"signed two":          {1, []string{ofAnother, a}, 1, []error{errMismatch, nil}},
	} {
		r, err := c.accepting().VerifyThreshold(t.Context(), c.model, test.need, test.sigs...)
		var few *verifying.ThresholdError
		results := []verifying.SignatureResult(nil)
		if test.got >= test.need {
			if err != nil || r.Signers != test.got {
				t.Errorf("%s: got %+v, %v", name, r, err)
				continue
			}
			results = r.Signatures
		} else {
			if !errors.As(err, &few) || few.Got != test.got || few.Want != test.need {
				t.Errorf("%s: got %v", name, err)
				continue
			}
			results = few.Signatures
		}
		for i, s := range results {
			switch want := test.errs[i]; {
			case s.Name != test.sigs[i]:
				t.Errorf("%s: signature %d is %s", name, i, s.Name)
			case want == nil && few == nil && (s.Err != nil || s.Result == nil || s.Result.Signer.Matched > 2):
				t.Errorf("%s: %s: got %+v", name, s.Name, s)
			case want == errMismatch && !errors.As(s.Err, new(*verifying.MismatchError)):
				t.Errorf("%s: %s: got %v", name, s.Name, s.Err)
			case want != nil && want != errMismatch && !errors.Is(s.Err, want):
				t.Errorf("%s: %s: got %v, want %v", name, s.Name, s.Err, want)
			case s.Err != nil && s.Result != nil:
				t.Errorf("%s: %s is refused and has a result", name, s.Name)
			}
		}
	}
}

var errMismatch = errors.New("a mismatch")

func TestThresholdOptions(t *testing.T) {
	c := newCouncil(t)
	for _, n := range []int{-1, 0, 4} {
		if r, err := c.accepting().VerifyThreshold(t.Context(), c.model, n, c.sigs...); err == nil {
			t.Errorf("%d of 3: got %+v", n, r)
		}
	}
	if _, err := verifying.Config().VerifyThreshold(t.Context(), c.model, 1, c.sigs...); !errors.Is(err, verifying.ErrNoVerifier) {
		t.Errorf("no verifier: got %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := c.accepting().VerifyThreshold(ctx, c.model, 1, c.sigs...); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: got %v", err)
	}
}

// The model is hashed once for all who say the same about how, wherever the signatures are.
func TestThresholdHashesOnce(t *testing.T) {
	model := tree(t, small)
	c := council{model: model}
	for _, name := range []string{"a.sig", "b.sig"} {
		key, sig := newKey(t, elliptic.P256()), filepath.Join(model, name)
		ignored := hashing.Config().SetIgnoredPaths("a.sig")
		if err := signer(key).SetHashingConfig(ignored).Sign(model, sig); err != nil {
			t.Fatal(err)
		}
		c.keys, c.sigs = append(c.keys, key), append(c.sigs, sig)
	}
	files := map[string]int{}
	h := hashing.Config().SetProgress(func(p hashing.Progress) { files[p.Path]++ })
	r, err := c.accepting().SetHashingConfig(h).VerifyThreshold(t.Context(), model, 2, c.sigs...)
	if err != nil {
		t.Fatal(err)
	}
	if files["weights.bin"] != 1 {
		t.Errorf("weights.bin was hashed %d times", files["weights.bin"])
	}
	if want := []string{"a.sig", "b.sig"}; !slices.Equal(r.Ignored, want) {
		t.Errorf("ignored %q, want %q", r.Ignored, want)
	}
}

// Signatures in the model: one that a later one covers is compared as any other file.
func TestThresholdSignedSignature(t *testing.T) {
	model := tree(t, small)
	c := council{model: model}
	for _, name := range []string{"a.sig", "b.sig"} {
		key, sig := newKey(t, elliptic.P256()), filepath.Join(model, name)
		if err := signer(key).Sign(model, sig); err != nil {
			t.Fatal(err)
		}
		c.keys, c.sigs = append(c.keys, key), append(c.sigs, sig)
	}
	if _, err := c.accepting().VerifyThreshold(t.Context(), model, 2, c.sigs...); err != nil {
		t.Fatal(err)
	}
	if err := signer(c.keys[0]).SetHashingConfig(hashing.Config().SetIgnoredPaths("b.sig")).Sign(model, c.sigs[0]); err != nil {
		t.Fatal(err)
	}
	// Now b.sig is of another a.sig.
	_, err := c.accepting().VerifyThreshold(t.Context(), model, 2, c.sigs...)
	if few := new(verifying.ThresholdError); !errors.As(err, &few) || few.Got != 1 {
		t.Errorf("got %v", err)
	}
}

// Whoever adds files to a model can't have them left out by calling them signatures.
func TestThresholdFilesAsSignatures(t *testing.T) {
	c := newCouncil(t)
	evil := filepath.Join(c.model, "evil.sig")
	for name, content := range map[string]string{
		"no bundle":      "import os",
		"another bundle": string(must(bundle.New([]byte(`{"_type":"x"}`), []byte("x"), bundle.NewKey(nil, nil, "x").Proto().VerificationMaterial).MarshalJSON())),
	} {
		write(t, evil, content)
		_, err := c.accepting().VerifyThreshold(t.Context(), c.model, 2, append(c.sigs, evil)...)
		var mismatch *verifying.MismatchError
		if !errors.As(err, &mismatch) || !slices.Equal(mismatch.Extra, []string{"evil.sig"}) {
			t.Errorf("%s: got %v", name, err)
		}
	}
	// A signature of somebody who does not count is left out, and in the result.
	if err := os.Remove(evil); err != nil {
		t.Fatal(err)
	}
	if err := signer(newKey(t, elliptic.P256())).Sign(c.model, evil); err != nil {
		t.Fatal(err)
	}
	r, err := c.accepting().VerifyThreshold(t.Context(), c.model, 2, append(c.sigs, evil)...)
	if err != nil || !slices.Equal(r.Ignored, []string{"evil.sig"}) {
		t.Errorf("another signature: got %+v, %v", r, err)
	}
}

// What one of the signers has left out is not covered by the number that is needed.
func TestThresholdListsWhatOneLeavesOut(t *testing.T) {
	c := newCouncil(t)
	h := hashing.Config().SetIgnoredPaths("weights.bin")
	if err := signer(c.keys[2]).SetHashingConfig(h).Sign(c.model, c.sigs[2]); err != nil {
		t.Fatal(err)
	}
	r, err := c.accepting().VerifyThreshold(t.Context(), c.model, 3, c.sigs...)
	if err != nil || !slices.Equal(r.Ignored, []string{"weights.bin"}) {
		t.Errorf("got %+v, %v", r, err)
	}
	// The same with files that need not be signed.
	if err := signer(c.keys[2]).Sign(tree(t, map[string]string{"config.json": small["config.json"]}), c.sigs[2]); err != nil {
		t.Fatal(err)
	}
	r, err = c.accepting().SetIgnoreUnsignedFiles(true).VerifyThreshold(t.Context(), c.model, 3, c.sigs...)
	if err != nil || !slices.Contains(r.Unsigned, "weights.bin") || slices.Contains(r.Unsigned, "config.json") {
		t.Errorf("got %+v, %v", r, err)
	}
}

func TestVerifyThresholdFS(t *testing.T) {
	model := fstest.MapFS{"config.json": {Data: []byte("{}")}, "weights": {Data: []byte("1")}}
	var bundles []*bundle.Bundle
	var c council
	for i := range 3 {
		c.keys = append(c.keys, newKey(t, elliptic.P256()))
		h := hashing.Config()
		if i == 2 {
			h = h.UseShardSerialization(hashing.Shards{ShardSize: 1})
		}
		bundles = append(bundles, must(signing.Config().UseEllipticKeySigner(signing.EllipticKey{Key: c.keys[i]}).
			SetHashingConfig(h).SignFS(t.Context(), model, "m")))
	}
	if r, err := c.accepting().VerifyThresholdFS(t.Context(), model, "m", 3, bundles...); err != nil || r.Signers != 3 {
		t.Errorf("got %+v, %v", r, err)
	}
	model["weights"].Data[0]++
	r, err := c.accepting().VerifyThresholdFS(t.Context(), model, "m", 1, append(bundles, nil)...)
	if few := new(verifying.ThresholdError); !errors.As(err, &few) || few.Got != 0 || !errors.As(err, new(*verifying.MismatchError)) {
		t.Errorf("changed: got %+v, %v", r, err)
	}
}

func TestThresholdLongError(t *testing.T) {
	c := newCouncil(t)
	long := filepath.Join(filepath.Dir(c.model), strings.Repeat("x", 200))
	sigs := slices.Repeat([]string{long}, 1000)
	if _, err := c.accepting().VerifyThreshold(t.Context(), c.model, 2, sigs...); err == nil || len(err.Error()) > 20_000 {
		t.Errorf("got %d bytes", len(err.Error()))
	}
}

func TestCountSigners(t *testing.T) {
	root := certtest.Root(t)
	key, other := newKey(t, elliptic.P256()), newKey(t, elliptic.P256())
	named := func(name string, key *ecdsa.PrivateKey) verifying.Identity {
		leaf := certtest.Leaf(t, root, certtest.Key(key), certtest.Template(func(c *x509.Certificate) {
			c.Subject, c.EmailAddresses = pkix.Name{CommonName: name}, nil
		}))
		return must(open(t, trusting(t, root), signedBy(t, leaf))).Signer
	}
	mailed := func(name, address string) verifying.Identity {
		leaf := certtest.Leaf(t, root, certtest.Key(newKey(t, elliptic.P256())), certtest.Template(func(c *x509.Certificate) {
			c.Subject, c.EmailAddresses = pkix.Name{CommonName: name}, []string{address}
		}))
		return must(open(t, trusting(t, root), signedBy(t, leaf))).Signer
	}
	bare := must(verifier(key).Open(t.Context(), sign(t, key, statement))).Signer
	bareOther := must(verifier(other).Open(t.Context(), sign(t, other, statement))).Signer
	person := func(subject, issuer string) verifying.Identity {
		return verifying.Identity{Method: bundle.Sigstore, Subject: subject, Issuer: issuer, PublicKey: newKey(t, elliptic.P256()).Public()}
	}
	for name, c := range map[string]struct {
		want int
		who  []verifying.Identity
	}{
		"nobody":                    {0, nil},
		"without a name":            {0, []verifying.Identity{{}, {}}},
		"one key":                   {1, []verifying.Identity{bare, bare}},
		"two keys":                  {2, []verifying.Identity{bare, bareOther}},
		"a key, and certified":      {1, []verifying.Identity{bare, named("a", key)}},
		"a key under two names":     {1, []verifying.Identity{named("a", key), named("b", key)}},
		"a name with two keys":      {1, []verifying.Identity{named("a", key), named("a", other)}},
		"one through a third":       {1, []verifying.Identity{named("a", key), named("b", other), named("a", other)}},
		"two names with two keys":   {2, []verifying.Identity{named("a", key), named("b", other)}},
		"one address, two names":    {1, []verifying.Identity{mailed("a", "a@example.com"), mailed("b", "A@example.com")}},
		"two addresses, two names":  {2, []verifying.Identity{mailed("a", "a@example.com"), mailed("b", "b@example.com")}},
		"certified, and Sigstore":   {1, []verifying.Identity{mailed("a", "a@example.com"), person("a@example.com", "x")}},
		"one address, two issuers":  {1, []verifying.Identity{person("a@example.com", "x"), person("A@example.com", "y")}},
		"two addresses, one issuer": {2, []verifying.Identity{person("a@example.com", "x"), person("b@example.com", "x")}},
	} {
		if got := verifying.CountSigners(c.who...); got != c.want {
			t.Errorf("%s: got %d, want %d", name, got, c.want)
		}
		slices.Reverse(c.who)
		if got := verifying.CountSigners(c.who...); got != c.want {
			t.Errorf("%s, reversed: got %d, want %d", name, got, c.want)
		}
	}
}

// Two good signatures of one signer are told from two signers in what people read.
func TestThresholdNamesSigners(t *testing.T) {
	c := newCouncil(t)
	r, err := verifier(c.keys[0]).Verify(c.model, c.sigs[0])
	if err != nil {
		t.Fatal(err)
	}
	_, err = c.accepting().VerifyThreshold(t.Context(), c.model, 2, c.sigs[0], c.sigs[0])
	if err == nil || strings.Count(err.Error(), r.Signer.Subject) != 2 {
		t.Errorf("%s is not named twice: %v", r.Signer.Subject, err)
	}
}
