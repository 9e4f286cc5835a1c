package verifying

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/modelsigning/modelsigning/bundle"
	"github.com/modelsigning/modelsigning/internal/inside"
)

// ErrTarget says that a copy can't have the name it was to get: something has it, which is also [fs.ErrExist], or it lies
// in the model.
var ErrTarget = errors.New("is no place for a copy")

// Copy is [Configuration.CopyContext] without a context.
func (c Configuration) Copy(model, signature, dst string) (*Result, error) {
	return c.CopyContext(context.Background(), model, signature, dst)
}

// CopyContext verifies a model as [Configuration.VerifyContext] does, and copies it to dst in the same pass: what is
// written are the bytes that were verified, whatever happens to the model meanwhile. Only signed files are copied,
// without links and with the permissions of new files; so empty files are not if the model was signed in shards, which
// do not cover them.
//
// The copy appears under the name dst when it is complete, verified, and on the disk. Until then it is a directory
// beside dst whose name begins with ".copy-" and ends in ".tmp"; after an error it is removed, and only a program that
// was killed leaves it. Dst must not exist, and not lie in the model, which is [ErrTarget]; the directory that it is in must.
func (c Configuration) CopyContext(ctx context.Context, model, signature, dst string) (*Result, error) {
	ctx, s := c.trace(ctx)
	r, err := c.copyModel(ctx, model, signature, dst)
	s.End(err)
	if err != nil {
		return nil, fmt.Errorf("copying %s: %w", model, err)
	}
	return r, nil
}

func (c Configuration) copyModel(ctx context.Context, model, signature, dst string) (*Result, error) {
	r, err := c.openFile(ctx, signature)
	if err != nil {
		return nil, err
	}
	info, err := os.Stat(model)
	if err != nil {
		return nil, err
	}
	if info.IsDir() {
		within, err := inside.Paths(model, dst)
		if err != nil {
			return nil, err
		}
		if len(within) > 0 {
			return nil, &fs.PathError{Op: "copy", Path: dst, Err: fmt.Errorf("%w: lies in the model", ErrTarget)}
		}
	}
	return r, c.copyTo(ctx, r, dst, !info.IsDir(), func(c Configuration) error {
		return c.compareModel(ctx, r, model, signature)
	})
}

// CopyFS is to [Configuration.CopyContext] what [Configuration.VerifyFS] is to VerifyContext: it unpacks what was
// signed.
func (c Configuration) CopyFS(ctx context.Context, fsys fs.FS, name string, b *bundle.Bundle, dst string) (*Result, error) {
	ctx, s := c.trace(ctx)
	r, err := c.open(ctx, b)
	if err == nil {
		err = c.copyTo(ctx, r, dst, false, func(c Configuration) error { return c.compareFS(ctx, r, fsys, name) })
	}
	s.End(err)
	if err != nil {
		return nil, fmt.Errorf("copying %s: %w", name, err)
	}
	return r, nil
}

// copyTo has compare verify the model while it is copied to a place beside dst, which then gets that name.
func (c Configuration) copyTo(ctx context.Context, r *Result, dst string, single bool, compare func(Configuration) error) error {
	if err := checkAbsent(dst); err != nil {
		return err
	}
	files, _, err := c.split(r.Manifest)
	if err != nil {
		return err
	}
	to, err := newCopyDir(dst, files, single)
	if err != nil {
		return err
	}
	defer to.remove()
	// What a pointer stands for is not there to be copied.
	c.hashing = c.hashing.SetCopy(to.create).SetFollowLFSPointers(false)
	if err := compare(c); err != nil {
		return err
	}
	if err := to.complete(); err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	return to.publish(dst)
}

func taken(dst string) error {
	return &fs.PathError{Op: "copy", Path: dst, Err: fmt.Errorf("%w: %w", ErrTarget, fs.ErrExist)}
}

func checkAbsent(dst string) error {
	_, err := os.Lstat(dst)
	switch {
	case dst == "":
		return errors.New("the name of the copy is empty")
	case err == nil:
		return taken(dst)
	case errors.Is(err, fs.ErrNotExist):
		return nil
	}
	return err
}
