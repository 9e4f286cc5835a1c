package main

import (
	"crypto/ecdh"
	"crypto/rand"
	"encoding/asn1"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
)

// A commandResult is what the whole command model-signing took to sign and to verify a model of 8 KB.
type commandResult struct{ sign, verify entry }

// commandRuns is how often each is run in a round: they take a few milliseconds.
const commandRuns = 10

func measureCommand(o *options) (*commandResult, error) {
	m, err := parseModel("4x2KiB")
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(o.dir, 0o777); err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp(o.dir, "command")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	root, sig, cli := filepath.Join(dir, "model"), filepath.Join(dir, "model.sig"), filepath.Join(dir, "model-signing")
	if err := m.make(root); err != nil {
		return nil, err
	}
	private, public, err := makeKeys(dir)
	if err != nil {
		return nil, err
	}
	if err := install(cli); err != nil {
		return nil, err
	}
	var r commandResult
	for range o.rounds * commandRuns {
		for _, c := range []struct {
			to   *entry
			args []string
		}{
			{&r.sign, []string{cli, "sign", "key", root, "--signature", sig, "--private-key", private}},
			{&r.verify, []string{cli, "verify", "key", root, "--signature", sig, "--public-key", public}},
		} {
			got, _, err := execute(c.args)
			if err != nil {
				return nil, err
			}
			c.to.runs = append(c.to.runs, got)
		}
	}
	return &r, nil
}

// install builds the command, and copies it to where it is to be: the pages of what a linker has just written are in
// memory as a few large pieces, each of which counts as resident as soon as one of its pages is used.
func install(cli string) error {
	built := cli + ".built"
	build := exec.Command("go", "build", "-trimpath", "-o", built, "github.com/modelsigning/modelsigning/examples/model-signing")
	if out, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("%w: %s", err, out)
	}
	in, err := os.Open(built)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.OpenFile(cli, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o777)
	if err != nil {
		return err
	}
	_, err = out.ReadFrom(in)
	return errors.Join(err, out.Close())
}

func (r *commandResult) print(w io.Writer) {
	const most, room = 0.020, 25 << 20
	fmt.Fprint(w, "\n| whole command, model of 8 KB | ms | least–greatest | CPU ms | MiB | |\n|---|---|---|---|---|---|\n")
	for _, c := range []struct {
		what string
		*entry
	}{{"sign key", &r.sign}, {"verify key", &r.verify}} {
		walls := c.walls()
		fmt.Fprintf(w, "| %s: at most 20 ms, 25 MiB | %.1f | %.1f–%.1f | %.1f | %.1f | %s |\n", c.what, 1e3*median(walls),
			1e3*slices.Min(walls), 1e3*slices.Max(walls), 1e3*c.cpu(), float64(c.peak())/(1<<20),
			verdict(median(walls) <= most && c.peak() <= room))
	}
}

// makeKeys writes a new pair of keys: RFC 5958 with RFC 5915, and RFC 5480. The package x509, which can do so too,
// would bring the network and C into this program, and so into the contenders, which would start more slowly.
func makeKeys(dir string) (private, public string, err error) {
	key, err := ecdh.P256().GenerateKey(rand.Reader)
	if err != nil {
		return "", "", err
	}
	ecKey := []asn1.ObjectIdentifier{{1, 2, 840, 10045, 2, 1}, {1, 2, 840, 10045, 3, 1, 7}} // on P-256
	scalar, err := asn1.Marshal(struct {
		Version int
		Key     []byte
	}{1, key.Bytes()})
	if err != nil {
		return "", "", err
	}
	der, err := asn1.Marshal(struct {
		Version   int
		Algorithm []asn1.ObjectIdentifier
		Key       []byte
	}{0, ecKey, scalar})
	if err != nil {
		return "", "", err
	}
	point := key.PublicKey().Bytes()
	pub, err := asn1.Marshal(struct {
		Algorithm []asn1.ObjectIdentifier
		Key       asn1.BitString
	}{ecKey, asn1.BitString{Bytes: point, BitLength: 8 * len(point)}})
	if err != nil {
		return "", "", err
	}
	private, public = filepath.Join(dir, "key.priv"), filepath.Join(dir, "key.pub")
	err = os.WriteFile(private, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), 0o600)
	if err == nil {
		err = os.WriteFile(public, pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: pub}), 0o666)
	}
	return private, public, err
}
