// Package verifying checks that a model is, byte for byte, what a signer published.
//
//	result, err := verifying.Config().
//		UseEllipticKeyVerifier(verifying.EllipticKey{PublicKey: "key.pub"}).
//		Verify("finbert", "finbert.sig")
//
// The signature is checked first. Only then is the signed statement parsed, and the model hashed in the way
// that the statement says; what the hub or the model's files say about themselves is never used.
//
// # Errors
//
// What an attacker may have done, and what may just have gone wrong, is told by [errors.Is] and [errors.As]. Ask in
// this order, since a timestamp that does not verify is a certificate that is not trusted, too, and the errors of package
// hashing come in a [*fs.PathError] that names the file, or of a bad name the directory:
//
//	bundle.ErrMalformed   the file is not a signature of this format
//	ErrMethod             it was signed by another method than the one configured
//	ErrIdentity           it was signed by somebody else: another key, another identity
//	ErrTimestamp          a timestamp in the bundle does not verify, or no authority for it is trusted
//	ErrCertificate        the signer's certificate is not to be trusted
//	ErrLog                no transparency log that is trusted has recorded the signature
//	ErrSignature          the signature does not fit the statement
//	ErrProvenance         provenance is signed, and not accepted: a *ProvenanceError says why
//	*MismatchError        the signature is good, and the model is not what was signed
//	hashing.ErrSymlink    the model holds a symbolic link that is not allowed, or leads nowhere or out of it
//	hashing.ErrNotRegular the model holds a FIFO, a socket or a device
//	hashing.ErrName       the model holds a file whose name no signature may have
//	hashing.ErrTooMany    the model holds more than hashing.Configuration.SetMaxResources allows, or else far more than was signed
//	hashing.ErrTooLarge   the model has more bytes than hashing.Configuration.SetMaxBytes allows
//	hashing.ErrChanged    the model changed while it was hashed
//	*hashing.RehashError  the model changed without a sign of it, which only hashing.Configuration.SetRehash notices
//	*hashing.ConflictError  the configuration contradicts the signed statement
//	hashing.ErrIncomplete a file of a Receiver was not written to its end
//	hashing.ErrRange      ranges of a file of a Receiver overlap, or lie outside of it
//	hashing.ErrOutOfOrder bytes for a Receiver came too early, and may be written again later
//	hashing.ErrDigests    the list for VerifyFiles is not one of a model's files
//	*PatternError         a pattern of SetOnly matches no signed file, which is ErrNoMatch, or is malformed
//	ErrTarget             a copy can't have the name that it was to get: something has it, or it lies in the model
//	fs.ErrExist           a file of a Receiver was created twice, or is a directory of others
//	ErrUnverified         a file of a Model was closed before what was read of it could be verified
//	ErrNoVerifier         no UseX method was called
//	*fs.PathError         something could not be read, which says nothing about the model
//	context.Canceled, context.DeadlineExceeded  as ctx.Err()
//
// [Configuration.VerifyThreshold] wraps the errors of several signatures in a [*ThresholdError], to ask for first, and
// [Configuration.UseAny] those of several verifiers in a [*RefusedError], which is the nearest of them. A digest cache
// that can't be used, hashing.ErrCache, is told by hashing.OpenCache, before anything is verified.
//
// Errors of a UseX method, about a key or certificate of the caller's, have no sentinel; [Configuration.Err] tells
// them before anything is verified.
//
// A [Configuration] is an immutable value. It may be kept, changed into others, and used by many goroutines for
// many models.
package verifying

import (
	"cmp"
	"context"
	"crypto"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/modelsigning/modelsigning/bundle"
	"github.com/modelsigning/modelsigning/hashing"
	"github.com/modelsigning/modelsigning/manifest"
)

var (
	// ErrNoVerifier says that a configuration was used for which no UseX method chose a verifier.
	ErrNoVerifier = errors.New("no verifier configured")
	// ErrSignature says that the signature is not one of the statement with the signer's key.
	ErrSignature = errors.New("signature does not verify")
	// ErrCertificate says that the signer's certificate is not to be trusted, and why.
	ErrCertificate = errors.New("certificate not trusted")
	// ErrIdentity says that somebody else signed than is expected: another key, or another name.
	ErrIdentity = errors.New("signed by another identity")
	// ErrMethod says that the signature is by another method than the verifier's, and by which.
	ErrMethod = errors.New("signed by another method")
	// ErrTimestamp says that a timestamp in the bundle is not one of the signature, or of no trusted authority.
	ErrTimestamp = errors.New("timestamp does not verify")
	// ErrLog says that no trusted transparency log proves to have recorded the signature.
	ErrLog = errors.New("transparency log entry does not verify")
)

// An Identity says who signed, as far as the method proves it.
type Identity struct {
	// Method is the way of signing.
	Method bundle.Method
	// Subject is the signer's name: for keys the fingerprint, lower-case hexadecimal SHA-256 of the public
	// key's PEM encoding; for Sigstore an address of electronic mail or the URI of a workload.
	Subject string
	// Issuer is who vouches for the subject; empty for keys, the OpenID provider for Sigstore.
	Issuer string
	// PublicKey is the key whose signature was checked.
	PublicKey crypto.PublicKey
	// Certificates is the chain that was verified, leaf first; nil for keys.
	Certificates []*x509.Certificate
	// Time is when the signature was there, if something proves it, or else zero.
	Time time.Time
	// TimeSource says what proves the time, in words: whose timestamp it is.
	TimeSource string
	// Extensions is what else a Sigstore certificate says.
	Extensions SigstoreExtensions
	// Matched is which of the arguments of [Configuration.UseAny] accepted the signature, from 0; without UseAny, 0.
	Matched int
}

// A Verifier checks the signature of a bundle and says who made it. It returns the bytes whose signature it
// checked: nothing else of the bundle is read as the statement. It must be safe for use by many goroutines,
// and return soon after ctx is done.
type Verifier interface {
	Verify(ctx context.Context, b *bundle.Bundle) (statement []byte, signer Identity, err error)
}

// logging is a Verifier that has something to log.
type logging interface {
	withLogger(log *slog.Logger) Verifier
}

// A Result says what was verified, and what was there but is not covered by the signature.
type Result struct {
	// Manifest is what was signed.
	Manifest *manifest.Manifest
	// Signer is who signed it.
	Signer Identity
	// Ignored are the paths that exist in the model and were left out: those that the statement ignores, those
	// that the caller added, and the signature itself. A directory ends in a slash, and stands for all that is
	// below it. Sorted. Directories without files are in no list: a signature does not cover directories.
	Ignored []string
	// Unsigned are the files that exist in the model and have no signed resource: with
	// [Configuration.SetIgnoreUnsignedFiles] all that were not signed, and for shards the empty files, which
	// have no bytes that could be signed. Sorted.
	Unsigned []string
	// Unread are the files that hold a pointer of Git LFS which [hashing.Configuration.SetFollowLFSPointers] has followed:
	// what they point to is what was signed, and was not read. Sorted.
	Unread []string
	// Partial says that [Configuration.SetOnly] restricted what was verified: the model is not known to be what was
	// signed, but for the signed files that are not in Unchecked.
	Partial bool
	// Unchecked are the paths of the signed files that were not verified. Sorted; nil unless Partial.
	Unchecked []string

	absent []string // what was signed and is missing, with mayLack
}

// A Configuration says how to verify. The zero value is [Config]().
type Configuration struct {
	verifier       Verifier
	err            error // of the last UseX
	hashing        hashing.Configuration
	ignoreUnsigned bool
	only           []string // patterns; nil for every file
	maxBundle      int64
	maxBuffer      int64
	tracer         Tracer
	log            *slog.Logger
	mayLack        bool // what is signed may be missing, as ProvenancePolicy has it
}

// Config returns a configuration that has no verifier yet and takes all else from the signature.
func Config() Configuration { return Configuration{} }

// UseVerifier sets the verifier. Others than those of this package can be used.
func (c Configuration) UseVerifier(v Verifier) Configuration {
	if v == nil {
		return c.use(nil, ErrNoVerifier)
	}
	return c.use(v, nil)
}

func (c Configuration) use(v Verifier, err error) Configuration {
	c.verifier, c.err = v, err
	return c
}

// SetHashingConfig sets what the signature leaves open: the number of workers, chunk size, mapping, limits on what a
// stranger's model may have, a cache of digests, progress, a logger, and paths to ignore besides the signed ones. All
// else comes from the signed statement, and a configuration that says otherwise makes verifying fail with a
// [*hashing.ConflictError]. SetIgnoreGitPaths(true) ignores git's own files even where the signature does not.
// SetIgnoreGitPaths(false) hashes them even where an old signature may have ignored them without a record; see
// [hashing.Configuration.ForManifest]. SetOnly and SetPlan mean nothing here; see [Configuration.SetOnly].
func (c Configuration) SetHashingConfig(h hashing.Configuration) Configuration {
	c.hashing = h
	return c
}

// SetIgnoreUnsignedFiles sets whether files may be there that were not signed. They are not read, and listed in
// [Result.Unsigned]. The default is false: such a file is a [*MismatchError].
func (c Configuration) SetIgnoreUnsignedFiles(ignore bool) Configuration {
	c.ignoreUnsigned = ignore
	return c
}

// SetMaxBundleSize sets how many bytes the file of a signature may have; it takes some twice as much memory to read one
// and its manifest. Zero, the default, is [bundle.MaxSize], for the largest models. Who verifies for strangers wants less:
// 1 MiB is enough for several thousand files.
func (c Configuration) SetMaxBundleSize(n int64) Configuration {
	c.maxBundle = n
	return c
}

// SetLogger sets where warnings go, those of hashing too. Nil, the default, leaves those of hashing to the hashing
// configuration, and drops the others.
func (c Configuration) SetLogger(l *slog.Logger) Configuration {
	c.log = l
	return c
}

// Err returns the error of the last UseX method, which every method that verifies returns as well. That none was called
// is no error yet.
func (c Configuration) Err() error { return c.err }

// Verify is [Configuration.VerifyContext] without a context.
func (c Configuration) Verify(model, signature string) (*Result, error) {
	return c.VerifyContext(context.Background(), model, signature)
}

// VerifyContext verifies that the model, a directory or a file, is what the bundle in the file signature says
// was signed. A nil error means that every signed file is there with the signed content, and that nothing else
// is, but for what the result lists. The package documentation lists the errors.
func (c Configuration) VerifyContext(ctx context.Context, model, signature string) (*Result, error) {
	ctx, s := c.trace(ctx)
	r, err := c.verify(ctx, model, signature)
	s.End(err)
	if err != nil {
		return nil, fmt.Errorf("verifying %s: %w", model, err)
	}
	return r, nil
}

func (c Configuration) verify(ctx context.Context, model, signature string) (*Result, error) {
	if err := c.ready(); err != nil {
		return nil, err
	}
	r, err := c.openFile(ctx, signature)
	if err != nil {
		return nil, err
	}
	return r, c.compareModel(ctx, r, model, signature)
}

func (c Configuration) read(signature string) (*bundle.Bundle, error) {
	return bundle.ReadFileLimit(signature, c.bundleLimit())
}

func (c Configuration) bundleLimit() int64 { return cmp.Or(c.maxBundle, bundle.MaxSize) }

// openFile opens the bundle in a file, which errors name.
func (c Configuration) openFile(ctx context.Context, signature string) (*Result, error) {
	b, err := c.read(signature)
	if err != nil {
		return nil, err
	}
	r, err := c.open(ctx, b)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", signature, err)
	}
	return r, nil
}

// Open checks the signature alone, and reads no model.
func (c Configuration) Open(ctx context.Context, b *bundle.Bundle) (*Result, error) {
	ctx, s := c.trace(ctx)
	r, err := c.open(ctx, b)
	s.End(err)
	if err != nil {
		return nil, fmt.Errorf("verifying signature: %w", err)
	}
	return r, nil
}

// OpenStatement checks the signature alone, and returns the in-toto statement that is signed, of whatever kind, and by
// whom. It must not be changed.
func (c Configuration) OpenStatement(ctx context.Context, b *bundle.Bundle) (statement []byte, signer Identity, err error) {
	ctx, s := c.trace(ctx)
	statement, signer, err = c.openStatement(ctx, b)
	s.End(err)
	if err != nil {
		return nil, Identity{}, fmt.Errorf("verifying signature: %w", err)
	}
	return statement, signer, nil
}

func (c Configuration) openStatement(ctx context.Context, b *bundle.Bundle) (statement []byte, signer Identity, err error) {
	if err := c.ready(); err != nil {
		return nil, Identity{}, err
	}
	if err := ctx.Err(); err != nil {
		return nil, Identity{}, err
	}
	if b == nil || b.Proto() == nil { // as to the rest, a verifier of the caller's may be for bundles that no file holds
		return nil, Identity{}, b.Validate()
	}
	v := c.verifier
	if l, ok := v.(logging); ok && c.log != nil {
		v = l.withLogger(c.log)
	}
	return verifySignature(ctx, v, b)
}

func (c Configuration) open(ctx context.Context, b *bundle.Bundle) (*Result, error) {
	statement, signer, err := c.openStatement(ctx, b)
	if err != nil {
		return nil, err
	}
	m, err := bundle.ParseStatement(statement)
	if err != nil {
		return nil, err
	}
	return &Result{Manifest: m, Signer: signer}, ctx.Err()
}

func (c Configuration) ready() error {
	if c.err == nil && c.verifier == nil {
		return ErrNoVerifier
	}
	return c.err
}
