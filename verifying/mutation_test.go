package verifying_test

import (
	"bytes"
	"crypto/elliptic"
	"encoding/asn1"
	"encoding/base64"
	"encoding/json"
	"errors"
	"math/big"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/modelsigning/modelsigning/bundle"
	"github.com/modelsigning/modelsigning/hashing"
	"github.com/modelsigning/modelsigning/verifying"
)

// Any change of any single byte of any file is refused, and so is one more byte or one less.
func TestEveryByte(t *testing.T) {
	for _, h := range []hashing.Configuration{
		hashing.Config(), hashing.Config().UseShardSerialization(hashing.Shards{ShardSize: 7}),
	} {
		files := map[string]string{"a": "0123456789", "b/c": "x", "d": strings.Repeat("y", 130)}
		model, sig, key := signed(t, h, files)
		refused := func(what string) {
			t.Helper()
			if _, err := verifier(key).Verify(model, sig); err == nil {
				t.Errorf("%s is accepted", what)
			}
		}
		for name, content := range files {
			path := filepath.Join(model, name)
			for i := range len(content) {
				changed := []byte(content)
				changed[i] ^= 1 << (i % 8)
				write(t, path, string(changed))
				refused(name + " changed")
			}
			write(t, path, content[1:])
			refused(name + " shortened")
			write(t, path, content+"\x00")
			refused(name + " lengthened")
			write(t, path, content)
		}
		if _, err := verifier(key).Verify(model, sig); err != nil {
			t.Fatal(err)
		}
	}
}

// mutations calls try with every document that differs from doc in one value: removed, replaced by another of
// the same type, replaced by one of another type, wrapped. path says which.
func mutations(doc any, path string, set func(any), try func(path string)) {
	values := []any{nil, "", "x", 0.0, 1.5, true, []any{}, map[string]any{}, []any{doc}, map[string]any{"x": doc}}
	switch d := doc.(type) {
	case map[string]any:
		for k, v := range d {
			mutations(v, path+"."+k, func(v any) { d[k] = v }, try)
			delete(d, k)
			try(path + "." + k + " removed")
			d[k] = v
		}
		d["unknown"] = 1
		try(path + ".unknown")
		delete(d, "unknown")
	case []any:
		for i, v := range d {
			mutations(v, path+"[]", func(v any) { d[i] = v }, try)
			set(slices.Delete(slices.Clone(d), i, i+1))
			try(path + "[] removed")
		}
		if len(d) > 0 {
			set(append(slices.Clone(d), d[0]))
			try(path + "[0] repeated")
		}
	case string:
		values = append(values, d+"A", "A"+d, strings.ToUpper(d), strings.ToLower(d), d+"\x00", "../"+d)
		if d != "" {
			values = append(values, d[1:], d[:len(d)-1])
		}
	case float64:
		values = append(values, d+1, -d, 1e300)
	case bool:
		values = append(values, !d)
	}
	before, _ := json.Marshal(doc)
	for _, v := range values {
		if after, _ := json.Marshal(v); !bytes.Equal(before, after) {
			set(v)
			try(path)
		}
	}
	set(doc)
}

// A valid bundle with any field changed is refused, but for the fields that say nothing.
func TestEveryFieldOfTheBundle(t *testing.T) {
	meaningless := []string{".dsseEnvelope.signatures[].keyid", ".verificationMaterial.tlogEntries"}
	model, sig, key := signed(t, hashing.Config(), small)
	var doc any
	if err := json.Unmarshal(must(os.ReadFile(sig)), &doc); err != nil {
		t.Fatal(err)
	}
	count := 0
	mutations(doc, "", func(v any) { doc = v }, func(path string) {
		count++
		changed := filepath.Join(t.TempDir(), "sig")
		write(t, changed, string(must(json.Marshal(doc))))
		_, err := verifier(key).Verify(model, changed)
		skip := slices.ContainsFunc(meaningless, func(p string) bool { return strings.HasPrefix(path, p) })
		if err == nil && !skip {
			t.Errorf("%s: accepted %s", path, must(json.Marshal(doc)))
		}
	})
	if count < 100 {
		t.Errorf("only %d mutations", count)
	}
}

// A statement that was signed is compared with the model in all its fields, but for the model's name, what
// in-toto leaves open, and what this model has not: paths to ignore, and links. The key is the right one here: what is tested is
// that no statement can be signed that says less than it seems to.
func TestEveryFieldOfTheStatement(t *testing.T) {
	model, sig, key := signed(t, hashing.Config(), small)
	var doc any
	if err := json.Unmarshal(must(bundle.ReadFile(sig)).UnverifiedStatement(), &doc); err != nil {
		t.Fatal(err)
	}
	meaningless := []string{".subject[].name", ".subject[].unknown", ".subject[].digest.unknown",
		".predicate.serialization.ignore_paths", ".predicate.serialization.allow_symlinks", ".predicate.resources[].unknown"}
	count := 0
	mutations(doc, "", func(v any) { doc = v }, func(path string) {
		count++
		changed := filepath.Join(t.TempDir(), "sig")
		if err := sign(t, key, must(json.Marshal(doc))).WriteFile(changed); err != nil {
			t.Fatal(err)
		}
		_, err := verifier(key).Verify(model, changed)
		skip := slices.ContainsFunc(meaningless, func(p string) bool { return strings.HasPrefix(path, p) })
		if err == nil && !skip {
			t.Errorf("%s: accepted %s", path, must(json.Marshal(doc)))
		}
	})
	if count < 300 {
		t.Errorf("only %d mutations", count)
	}
}

// ECDSA signatures are strict DER.
func TestSignatureEncoding(t *testing.T) {
	model, sig, key := signed(t, hashing.Config(), small)
	good := must(bundle.ReadFile(sig))
	var rs struct{ R, S *big.Int }
	if _, err := asn1.Unmarshal(good.Signature(), &rs); err != nil {
		t.Fatal(err)
	}
	der := func(r, s *big.Int) []byte { return must(asn1.Marshal(struct{ R, S *big.Int }{r, s})) }
	n, zero := elliptic.P256().Params().N, new(big.Int)
	raw := append(rs.R.FillBytes(make([]byte, 32)), rs.S.FillBytes(make([]byte, 32))...)
	longForm := append([]byte{0x30, 0x81, byte(len(good.Signature()) - 2)}, good.Signature()[2:]...)
	for what, changed := range map[string][]byte{
		"trailing byte":      append(bytes.Clone(good.Signature()), 0),
		"trailing signature": append(bytes.Clone(good.Signature()), good.Signature()...),
		"r zero":             der(zero, rs.S),
		"s zero":             der(rs.R, zero),
		"both zero":          der(zero, zero),
		"r negative":         der(new(big.Int).Neg(rs.R), rs.S),
		"r plus n":           der(new(big.Int).Add(rs.R, n), rs.S),
		"s plus n":           der(rs.R, new(big.Int).Add(rs.S, n)),
		"swapped":            der(rs.S, rs.R),
		"raw":                raw,
		"long form length":   longForm,
		"truncated":          good.Signature()[:len(good.Signature())-1],
		"one byte":           {0x30},
	} {
		name := filepath.Join(t.TempDir(), "sig")
		b := bundle.NewKey(good.UnverifiedStatement(), changed, hint(t, key))
		if err := b.WriteFile(name); err != nil {
			t.Fatal(err)
		}
		if _, err := verifier(key).Verify(model, name); err == nil {
			t.Errorf("%s: accepted %s", what, base64.StdEncoding.EncodeToString(changed))
		}
	}
}

// Names that a signature lists are never opened before they are checked.
func TestSignedNamesStayInside(t *testing.T) {
	model, sig, key := signed(t, hashing.Config(), map[string]string{"a": "1"})
	write(t, filepath.Join(filepath.Dir(model), "secret"), "1")
	statement := string(must(bundle.ReadFile(sig)).UnverifiedStatement())
	for _, name := range []string{"../secret", filepath.ToSlash(filepath.Join(filepath.Dir(model), "secret")), "a/../../secret"} {
		evil := strings.Replace(statement, `{"name":"a"`, `{"name":`+string(must(json.Marshal(name))), 1)
		if err := sign(t, key, []byte(evil)).WriteFile(sig); err != nil {
			t.Fatal(err)
		}
		for _, ignore := range []bool{false, true} {
			c := verifying.Configuration.SetIgnoreUnsignedFiles(verifier(key), ignore)
			if _, err := c.Verify(model, sig); err == nil || !strings.Contains(err.Error(), "resources[0]") {
				t.Errorf("%s: got %v", name, err)
			}
		}
	}
}

// A signed shard size of one byte does not decide how much memory is taken for a model of other size.
func TestTinyShards(t *testing.T) {
	model, sig, key := signed(t, hashing.Config().UseShardSerialization(hashing.Shards{ShardSize: 1}), map[string]string{"a": "x"})
	if err := os.Truncate(filepath.Join(model, "a"), 1<<40); err != nil {
		t.Skip("no sparse files here: ", err)
	}
	if _, err := verifier(key).Verify(model, sig); !errors.Is(err, hashing.ErrTooMany) {
		t.Errorf("got %v, want ErrTooMany", err)
	}
}
