// The command quickstart shows in a minute what signing is for. It makes a key pair, signs a model and verifies
// it, changes one byte, and verifies again:
//
//	go run -tags nosigstore ./examples/quickstart [MODEL]
//
// Without MODEL it writes a small one. A MODEL that is given, a directory or a file, is only read: the byte is
// changed in a copy of one of its files. Keys, signatures and copies lie in a temporary directory that is
// removed at the end. It exits with 0 if the good model was accepted and the changed one refused, and with 2 if there
// is no such MODEL.
package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/modelsigning/modelsigning/signing"
	"github.com/modelsigning/modelsigning/verifying"
)

const usage = `usage: quickstart
       quickstart PATH    with a model of yours, a directory or a file, which is only read`

func main() {
	if err := check(os.Args[1:]); err != nil {
		fmt.Fprintf(os.Stderr, "quickstart: %v\n%s\n", err, usage)
		os.Exit(2)
	}
	dir, err := os.MkdirTemp("", "quickstart-")
	if err == nil {
		err = show(os.Stdout, dir, os.Args[1:])
		err = errors.Join(err, os.RemoveAll(dir))
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "quickstart:", err)
		os.Exit(1)
	}
}

// check sees that there is the model, if one is given.
func check(args []string) error {
	switch {
	case len(args) > 1:
		return fmt.Errorf("one model is expected, not %d", len(args))
	case len(args) == 0:
		return nil
	}
	_, err := os.Stat(args[0])
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("there is no model %q", args[0])
	}
	return err
}

// show goes through all steps with the model in args, or with one that it writes into dir.
func show(w io.Writer, dir string, args []string) error {
	if err := makeKeys(dir); err != nil {
		return err
	}
	fmt.Fprintf(w, "All that is made here lies in %s, which is removed at the end.\n", dir)
	fmt.Fprintln(w, "Made a key pair: key.priv signs, key.pub verifies.")
	given := len(args) > 0
	model := filepath.Join(dir, "tiny-model")
	if given {
		model = args[0]
	} else if err := writeModel(model); err != nil {
		return err
	}
	s := signer{w, dir}
	if err := s.signAndVerify(model, "model.sig"); err != nil {
		return err
	}
	if given {
		var err error
		if model, err = copyOne(model, dir); err != nil {
			return err
		}
		fmt.Fprintf(w, "\nYour model stays as it is. The rest happens to a copy of one file, %q.\n", filepath.Base(model))
		if err := s.signAndVerify(model, "copy.sig"); err != nil {
			return err
		}
		return s.spoil(model, model, "copy.sig")
	}
	return s.spoil(model, filepath.Join(model, "model.safetensors"), "model.sig")
}

// A signer has its keys and signatures in dir.
type signer struct {
	w   io.Writer
	dir string
}

func (s signer) signAndVerify(model, signature string) error {
	err := signing.Config().
		UseEllipticKeySigner(signing.EllipticKey{PrivateKey: filepath.Join(s.dir, "key.priv")}).
		Sign(model, filepath.Join(s.dir, signature))
	if err != nil {
		return err
	}
	fmt.Fprintf(s.w, "Signed %q: the signature is the file %s.\n", filepath.Base(model), signature)
	result, err := s.verify(model, signature)
	if err != nil {
		return err
	}
	fmt.Fprintf(s.w, "Verified what the holder of key %.16s… signed: files %d, root digest %.16s…\n",
		result.Signer.Subject, len(result.Manifest.Resources), result.Manifest.Root().Hex)
	for _, name := range result.Ignored {
		fmt.Fprintf(s.w, "  left out, so not covered: %q\n", name)
	}
	return nil
}

func (s signer) verify(model, signature string) (*verifying.Result, error) {
	return verifying.Config().
		UseEllipticKeyVerifier(verifying.EllipticKey{PublicKey: filepath.Join(s.dir, "key.pub")}).
		Verify(model, filepath.Join(s.dir, signature))
}

// spoil changes one byte of a file of the model. It is an error if verifying does not notice.
func (s signer) spoil(model, file, signature string) error {
	offset, err := flip(file)
	if err != nil {
		return err
	}
	fmt.Fprintf(s.w, "\nChanged one byte: the one at offset %d of %q. Verifying now says:\n\n", offset, filepath.Base(file))
	_, err = s.verify(model, signature)
	var mismatch *verifying.MismatchError
	switch {
	case err == nil:
		return errors.New("the changed model was accepted, which must not happen")
	case !errors.As(err, &mismatch) || len(mismatch.Changed) != 1:
		return err
	}
	fmt.Fprintf(s.w, "  %v\n\nThe good model was accepted, and the changed one was caught.\n", mismatch)
	return nil
}

// flip changes the byte in the middle of a file.
func flip(name string) (offset int64, err error) {
	f, err := os.OpenFile(name, os.O_RDWR, 0)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return 0, err
	}
	offset = info.Size() / 2
	var b [1]byte
	if _, err := f.ReadAt(b[:], offset); err != nil {
		return 0, err
	}
	b[0] ^= 1
	if _, err := f.WriteAt(b[:], offset); err != nil {
		return 0, err
	}
	return offset, f.Close()
}

// makeKeys writes a private and a public key, in the formats that "openssl genpkey" and "openssl pkey -pubout" write.
func makeKeys(dir string) error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return err
	}
	public, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
	if err != nil {
		return err
	}
	for name, block := range map[string]*pem.Block{
		"key.priv": {Type: "PRIVATE KEY", Bytes: private},
		"key.pub":  {Type: "PUBLIC KEY", Bytes: public},
	} {
		if err := os.WriteFile(filepath.Join(dir, name), pem.EncodeToMemory(block), 0o600); err != nil {
			return err
		}
	}
	return nil
}
