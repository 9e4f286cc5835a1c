//go:build unix

package verifying_test

import (
	"context"
	"errors"
	"io/fs"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/modelsigning/modelsigning/hashing"
)

// A FIFO in the place of the signature is not waited for.
func TestSignatureIsFIFO(t *testing.T) {
	model, _, key := signed(t, hashing.Config(), small)
	fifo := filepath.Join(t.TempDir(), "fifo")
	if err := syscall.Mkfifo(fifo, 0o600); err != nil {
		t.Skip("no FIFOs here: ", err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if _, err := verifier(key).VerifyContext(ctx, model, fifo); !errors.As(err, new(*fs.PathError)) {
		t.Errorf("got %v", err)
	}
}
