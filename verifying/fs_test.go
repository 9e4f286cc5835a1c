package verifying_test

import (
	"crypto/elliptic"
	"errors"
	"slices"
	"testing"
	"testing/fstest"

	"github.com/modelsigning/modelsigning/signing"
	"github.com/modelsigning/modelsigning/verifying"
)

func TestVerifyFS(t *testing.T) {
	key := newKey(t, elliptic.P256())
	model := func() fstest.MapFS {
		return fstest.MapFS{
			"config.json":    {Data: []byte("{}")},
			"sub/weights":    {Data: []byte("weights")},
			".gitattributes": {Data: []byte("* -text")},
		}
	}
	b, err := signing.Config().UseEllipticKeySigner(signing.EllipticKey{Key: key}).SignFS(t.Context(), model(), "m")
	if err != nil {
		t.Fatal(err)
	}
	c := verifying.Config().UseEllipticKeyVerifier(verifying.EllipticKey{Key: key.Public()})
	r, err := c.VerifyFS(t.Context(), model(), "m", b)
	if err != nil || !slices.Equal(r.Ignored, []string{".gitattributes"}) || r.Manifest.Name != "m" {
		t.Fatalf("got %+v, %v", r, err)
	}
	var mismatch *verifying.MismatchError
	changed := model()
	changed["sub/weights"].Data[0]++
	if _, err := c.VerifyFS(t.Context(), changed, "m", b); !errors.As(err, &mismatch) || len(mismatch.Changed) != 1 {
		t.Errorf("changed: got %v", err)
	}
	more := model()
	more["more"] = &fstest.MapFile{}
	if _, err := c.VerifyFS(t.Context(), more, "m", b); !errors.As(err, &mismatch) || !slices.Equal(mismatch.Extra, []string{"more"}) {
		t.Errorf("one more: got %v", err)
	}
	r, err = c.SetIgnoreUnsignedFiles(true).VerifyFS(t.Context(), more, "m", b)
	if err != nil || !slices.Equal(r.Unsigned, []string{"more"}) {
		t.Errorf("one more, ignored: got %+v, %v", r, err)
	}
}
