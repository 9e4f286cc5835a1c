package main

import (
	"errors"
	"log/slog"

	"github.com/modelsigning/modelsigning/hashing"
	"github.com/spf13/cobra"
)

// cacheFlags are the flags about the digests of files that have not changed.
type cacheFlags struct {
	file   string
	rehash bool
	cache  *hashing.Cache
}

func (f *cacheFlags) add(c *cobra.Command) {
	c.Flags().StringVar(&f.file, "digest-cache", "", "do not read files again that have not changed since their digests were put into this `FILE`")
	c.Flags().BoolVar(&f.rehash, "rehash", false, "read all files, and reject those that the digest cache has otherwise though they seem unchanged")
}

// use opens the cache. It must not be in the model, which it would change.
func (f *cacheFlags) use(h hashing.Configuration, model string) (hashing.Configuration, error) {
	if f.file == "" {
		if f.rehash {
			return h, usageError{errors.New("--rehash needs --digest-cache")}
		}
		return h, nil
	}
	root, err := realPath(model)
	if err != nil {
		return h, err
	}
	inModel, err := pathIn(root, f.file)
	if err != nil {
		return h, err
	}
	if inModel != "" {
		return h, usageError{errors.New("--digest-cache: the file would be inside the model")}
	}
	f.cache, err = hashing.OpenCache(f.file)
	return h.SetCache(f.cache).SetRehash(f.rehash), err
}

// save is for when a command ends, however it does.
func (f *cacheFlags) save(log *slog.Logger) {
	if f.cache == nil {
		return
	}
	if err := f.cache.Save(); err != nil {
		log.Warn("digest cache was not saved", "error", err)
	}
}
