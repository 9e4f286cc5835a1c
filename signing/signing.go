// Package signing signs models: it hashes a model, has the manifest signed, and writes the bundle.
//
//	err := signing.Config().
//		UseEllipticKeySigner(signing.EllipticKey{PrivateKey: "key.priv"}).
//		Sign("finbert", "finbert.sig")
//
// A [Configuration] is an immutable value. It may be kept, changed into others, and used by many goroutines for
// many models. The library itself keeps nothing global and reads no environment, but for what a method needs and
// documents: ambient credentials where they are asked for, the standard streams where a person logs in, and PKCS #11
// modules, which belong to the process and read what they like.
package signing

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"

	"github.com/modelsigning/modelsigning/bundle"
	"github.com/modelsigning/modelsigning/hashing"
	"github.com/modelsigning/modelsigning/internal/atomicfile"
	"github.com/modelsigning/modelsigning/internal/timestamp"
	"github.com/modelsigning/modelsigning/manifest"
)

// ErrNoSigner says that a configuration was used for which no UseX method chose a signer.
var ErrNoSigner = errors.New("no signer configured")

// A Signer makes a bundle for a statement. It must be safe for use by many goroutines, and return soon after
// ctx is done. The statement is the payload to sign, see [bundle.PAE]; it must not be changed. A bundle that
// [bundle.Bundle.Validate] refuses can't be written.
type Signer interface {
	Sign(ctx context.Context, statement []byte) (*bundle.Bundle, error)
}

// A preparer is a Signer that can find out before a model is hashed, which may take hours, that it will not be
// able to sign. What it returns is used for one signature, and then done is called.
type preparer interface {
	prepare(ctx context.Context) (s Signer, done func(), err error)
}

// A warner is a Signer that has warnings for the caller, who sets the logger later or never.
type warner interface{ warnings() []string }

// A Configuration says how to hash and sign. The zero value is [Config]().
type Configuration struct {
	signer  Signer
	err     error // of the last UseX
	hashing hashing.Configuration
	log     *slog.Logger // nil drops warnings
	tracer  Tracer       // nil: nobody hears of spans

	timestamps    *timestamp.Service // nil: none
	timestampsErr error              // of the last SetTimestampAuthority
}

// Config returns the default configuration: the hashing of [hashing.Config], and no signer yet.
func Config() Configuration { return Configuration{} }

// UseSigner sets the signer. Others than those of this package can be used.
func (c Configuration) UseSigner(s Signer) Configuration {
	if s == nil {
		return c.use(nil, ErrNoSigner)
	}
	return c.use(s, nil)
}

func (c Configuration) use(s Signer, err error) Configuration {
	c.signer, c.err = s, err
	return c
}

// SetHashingConfig sets how models are hashed. The signature records it, and verifiers follow it.
func (c Configuration) SetHashingConfig(h hashing.Configuration) Configuration {
	c.hashing = h
	return c
}

// SetLogger sets where warnings go, those of hashing too. They hold no options and no secrets. Nil, the default,
// leaves those of hashing to the hashing configuration, and drops the others.
func (c Configuration) SetLogger(l *slog.Logger) Configuration {
	c.log = l
	return c
}

func (c Configuration) hasher() hashing.Configuration {
	if c.log == nil {
		return c.hashing
	}
	return c.hashing.SetLogger(c.log)
}

// Err returns the error of the last UseX method and of SetTimestampAuthority, which every method that signs returns as well,
// or what is wrong with the hashing configuration (see [hashing.Configuration.Signable]), which those return that hash. That
// no UseX method was called is no error yet.
func (c Configuration) Err() error {
	if err := c.signerErr(); err != nil {
		return err
	}
	if err := c.hashing.Signable(); err != nil {
		return fmt.Errorf("hashing: %w", err)
	}
	return nil
}

func (c Configuration) signerErr() error {
	if c.err != nil {
		return c.err
	}
	return c.timestampsErr
}

// Sign signs a model, a directory or a file, and writes the bundle to the file signature. It is
// [Configuration.SignContext] without a context.
func (c Configuration) Sign(model, signature string) error {
	return c.SignContext(context.Background(), model, signature)
}

// SignContext signs a model, a directory or a file, and writes the bundle to the file signature.
//
// Before it hashes, it sees that the signature can be written: its directory is there and writable, and what
// exists under its name is a signature, which will be replaced, or an empty file outside of the model. A
// signature inside the model is left out of it, and recorded as ignored. The file appears under its name when
// it is complete, or not at all.
//
// Errors are those of [hashing.Configuration.HashContext] and of the signer, [*fs.PathError] for the
// signature, [ErrTarget] if it would replace something else, and ctx.Err().
func (c Configuration) SignContext(ctx context.Context, model, signature string) error {
	ctx, s := c.trace(ctx)
	err := c.sign(ctx, model, signature, modelSignature)
	s.End(err)
	if err != nil {
		return fmt.Errorf("signing %s: %w", model, err)
	}
	return nil
}

// A kind is what of a model is signed.
type kind struct {
	what    string
	marshal func(*manifest.Manifest) (statement []byte, err error)
	check   func(statement []byte) error // that it is of this kind
}

var modelSignature = kind{"a model's signature", bundle.MarshalStatement, func(statement []byte) error {
	_, err := bundle.ParseStatement(statement)
	return err
}}

func (c Configuration) sign(ctx context.Context, model, signature string, k kind) error {
	signer, done, err := c.prepare(ctx)
	if err != nil {
		return err
	}
	defer done()
	_, ignored, err := checkTarget(model, signature, k)
	if err != nil {
		return err
	}
	m, err := c.hasher().AddIgnoredPaths(ignored...).HashContext(ctx, model)
	if err != nil {
		return err
	}
	statement, err := k.marshal(m)
	if err != nil {
		return err
	}
	b, err := c.signStatement(ctx, signer, statement)
	if err != nil {
		return err
	}
	// The hours of hashing are enough for somebody to put another file there.
	target, _, err := checkTarget(model, signature, k)
	if err != nil {
		return err
	}
	return write(target, b)
}

func write(target atomicfile.Target, b *bundle.Bundle) error {
	err := target.Write(func(w io.Writer) error {
		_, err := b.WriteTo(w)
		return err
	})
	if errors.Is(err, atomicfile.ErrChanged) {
		return fmt.Errorf("%w; it %w", err, ErrTarget)
	}
	return err
}

// SignManifest signs a manifest that the caller has, and reads no file. The resources are signed in the order
// of [manifest.Manifest.Sort], whatever theirs is.
func (c Configuration) SignManifest(ctx context.Context, m *manifest.Manifest) (*bundle.Bundle, error) {
	if m == nil {
		return nil, errors.New("signing: the manifest is nil")
	}
	ctx, s := c.trace(ctx)
	var b *bundle.Bundle
	signer, done, err := c.prepare(ctx)
	if err == nil {
		defer done()
		b, err = c.signManifest(ctx, signer, m)
	}
	s.End(err)
	if err != nil {
		return nil, fmt.Errorf("signing %s: %w", m.Name, err)
	}
	return b, nil
}

// SignFS signs the model that is the whole of fsys, under the given name, and returns the bundle. It is to
// [Configuration.SignContext] what [hashing.Configuration.HashFS] is to HashContext, which says what can be seen of
// changes in such a source.
func (c Configuration) SignFS(ctx context.Context, fsys fs.FS, name string) (*bundle.Bundle, error) {
	ctx, s := c.trace(ctx)
	b, err := c.signFS(ctx, fsys, name)
	s.End(err)
	if err != nil {
		return nil, fmt.Errorf("signing %s: %w", name, err)
	}
	return b, nil
}

func (c Configuration) signFS(ctx context.Context, fsys fs.FS, name string) (*bundle.Bundle, error) {
	signer, done, err := c.prepare(ctx)
	if err != nil {
		return nil, err
	}
	defer done()
	m, err := c.hasher().HashFS(ctx, fsys, name)
	if err != nil {
		return nil, err
	}
	return c.signManifest(ctx, signer, m)
}

func (c Configuration) prepare(ctx context.Context) (Signer, func(), error) {
	if err := c.signerErr(); err != nil {
		return nil, nil, err
	}
	if c.signer == nil {
		return nil, nil, ErrNoSigner
	}
	if err := c.probeTimestamps(ctx); err != nil {
		return nil, nil, err
	}
	if w, ok := c.signer.(warner); ok && c.log != nil {
		for _, text := range w.warnings() {
			c.log.WarnContext(ctx, text)
		}
	}
	if p, ok := c.signer.(preparer); ok {
		return p.prepare(ctx)
	}
	return c.signer, func() {}, nil
}

func (c Configuration) signManifest(ctx context.Context, s Signer, m *manifest.Manifest) (*bundle.Bundle, error) {
	statement, err := bundle.MarshalStatement(m)
	if err != nil {
		return nil, err
	}
	return c.signStatement(ctx, s, statement)
}

func (c Configuration) signStatement(ctx context.Context, s Signer, statement []byte) (*bundle.Bundle, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	b, err := tracedSign(ctx, s, statement)
	if err != nil {
		return nil, err
	}
	if b == nil || !bytes.Equal(b.UnverifiedStatement(), statement) {
		return nil, errors.New("the signer returned no bundle, or one of another statement")
	}
	if c.timestamps == nil {
		return b, nil
	}
	return c.addTimestamp(ctx, b)
}
