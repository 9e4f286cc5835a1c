package signing

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/modelsigning/modelsigning/bundle"
	"github.com/modelsigning/modelsigning/internal/inside"
)

// ErrTarget says that something stands where the signature should be written that is not a signature.
var ErrTarget = errors.New("will not be replaced by a signature")

// checkTarget sees that a signature may be written: it never replaces anything but a signature. It returns the
// signature's path relative to the model if that is where it lies, for hashing to ignore.
func checkTarget(model, signature string) (ignored []string, err error) {
	modelInfo, err := os.Stat(model)
	if err != nil {
		return nil, err
	}
	if signature == "" {
		return nil, errors.New("the name of the signature is empty")
	}
	if err := checkDir(filepath.Dir(signature)); err != nil {
		return nil, err
	}
	if modelInfo.IsDir() {
		rel, ok, err := inside.Path(model, signature)
		if err != nil {
			return nil, err
		}
		if ok {
			ignored = []string{rel}
		}
	}
	info, err := os.Stat(signature)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return ignored, nil
	case err != nil:
		return nil, err
	case info.IsDir():
		return nil, fmt.Errorf("%s: is a directory and %w", signature, ErrTarget)
	case !info.Mode().IsRegular():
		return nil, fmt.Errorf("%s: is not a regular file and %w", signature, ErrTarget)
	case os.SameFile(info, modelInfo):
		return nil, fmt.Errorf("%s: is the model and %w", signature, ErrTarget)
	case info.Size() == 0 && ignored == nil:
		return nil, nil // as mktemp makes it
	}
	if _, err := bundle.ReadFile(signature); err != nil {
		return nil, fmt.Errorf("%s: exists, is not a signature, and %w; move it away or choose another name", signature, ErrTarget)
	}
	return ignored, nil
}

func checkDir(dir string) error {
	info, err := os.Stat(dir)
	if err != nil {
		return err
	}
	if !info.IsDir() {
		return &fs.PathError{Op: "write to", Path: dir, Err: errors.New("is not a directory")}
	}
	return checkWritable(dir)
}
