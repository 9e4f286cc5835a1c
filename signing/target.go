package signing

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/modelsigning/modelsigning/bundle"
	"github.com/modelsigning/modelsigning/internal/atomicfile"
	"github.com/modelsigning/modelsigning/internal/inside"
)

// ErrTarget says that something stands where the signature should be written that is not a signature.
var ErrTarget = errors.New("will not be replaced")

// checkTarget sees that a signature may be written: it never replaces anything but one of its kind. It
// returns the signature's paths relative to the model if that is where it lies, for hashing to ignore.
func checkTarget(model, signature string, k kind) (target atomicfile.Target, ignored []string, err error) {
	modelInfo, err := os.Stat(model)
	if err != nil {
		return target, nil, err
	}
	if target, err = findTarget(signature); err != nil {
		return target, nil, err
	}
	if modelInfo.IsDir() {
		if ignored, err = inside.Paths(model, signature); err != nil {
			return target, nil, err
		}
	}
	return target, ignored, checkOld(target.Old(), signature, modelInfo, len(ignored) > 0, k)
}

// findTarget returns the place for a signature, and sees that a file can be written there.
func findTarget(signature string) (target atomicfile.Target, err error) {
	if signature == "" {
		return target, errors.New("the name of the signature is empty")
	}
	if err := checkDir(filepath.Dir(signature)); err != nil {
		return target, err
	}
	if target, err = atomicfile.Find(signature); err != nil {
		return target, fmt.Errorf("%w; it %w", err, ErrTarget)
	}
	return target, checkWritable(filepath.Dir(target.Path())) // which may be another, behind a link
}

// checkOld sees that the file that is there may be replaced.
func checkOld(old fs.FileInfo, signature string, model fs.FileInfo, inside bool, k kind) error {
	switch {
	case old == nil:
		return nil
	case os.SameFile(old, model):
		return fmt.Errorf("%s: is the model and %w", signature, ErrTarget)
	case old.Size() == 0 && !inside:
		return nil // as mktemp makes it
	}
	b, err := bundle.ReadFile(signature)
	if err == nil {
		// Other things are signed in bundles, too.
		err = k.check(b.UnverifiedStatement())
	}
	if err != nil {
		return fmt.Errorf("%s: exists, is not %s, and %w; move it away or choose another name", signature, k.what, ErrTarget)
	}
	return nil
}

func checkDir(dir string) error {
	info, err := os.Stat(dir)
	if err != nil {
		return err
	}
	if !info.IsDir() {
		return &fs.PathError{Op: "write to", Path: dir, Err: errors.New("is not a directory")}
	}
	return nil
}
