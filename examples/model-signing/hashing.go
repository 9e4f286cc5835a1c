package main

import (
	"fmt"
	"log/slog"
	"strconv"

	"github.com/modelsigning/modelsigning/hashing"
	"github.com/modelsigning/modelsigning/manifest"
	"github.com/spf13/cobra"
)

// hashFlags are the flags that say how a model is hashed.
type hashFlags struct {
	ignore     []string
	ignoreGit  bool
	links      bool
	method     string
	shardSize  int64
	algorithm  string
	maxWorkers int
	followLFS  bool
	hub        bool
	cache      cacheFlags
}

// addCommon adds the flags that verifying has, too: the others come from the signature there.
func (f *hashFlags) addCommon(c *cobra.Command) {
	c.Flags().Var((*repeated)(&f.ignore), "ignore-paths", "leave out this `PATH`, relative to the working directory and not to the model, and all below it (repeatable)")
	c.Flags().BoolVar(&f.ignoreGit, "ignore-git-paths", true, "leave out git's files at the top of the model")
	c.Flags().Var(not{&f.ignoreGit}, "no-ignore-git-paths", "hash git's files, too")
	c.Flags().Lookup("no-ignore-git-paths").NoOptDefVal = "true"
	c.Flags().BoolVar(&f.links, "allow-symlinks", false, "follow symbolic links")
	c.Flags().BoolVar(&f.followLFS, "follow-lfs-pointers", false, "take the digests of files that Git LFS did not pull from their pointers")
	c.Flags().IntVar(&f.maxWorkers, "max-workers", 0, "hash with `N` workers (default: one for each CPU)")
	c.Flags().BoolVar(&f.hub, "hugging-face", false, "take MODEL as Hugging Face's libraries lay it out: a snapshot in their cache, or a directory with .cache/huggingface, which is left out")
	f.cache.add(c)
}

func (f *hashFlags) add(c *cobra.Command) {
	f.addCommon(c)
	c.Flags().StringVar(&f.method, "serialization-method", "files", "`files|shards`: one digest for each file, or for each shard of it")
	c.Flags().Int64Var(&f.shardSize, "shard-size", manifest.DefaultShardSize, "bytes in a shard")
	c.Flags().StringVar(&f.algorithm, "hash-algorithm", "sha256", "`NAME`: sha256, blake2b or blake3")
}

// config returns the configuration for hashing model. For verifying, it holds what was asked for explicitly and
// nothing else.
func (f *hashFlags) config(c *cobra.Command, model string, log *slog.Logger) (hashing.Configuration, error) {
	h := hashing.Config().SetLogger(log).SetProgress(newProgress())
	if c.Flags().Changed("serialization-method") || c.Flags().Changed("hash-algorithm") || c.Flags().Changed("shard-size") {
		algorithm := manifest.Algorithm(f.algorithm)
		switch {
		case algorithm.Size() == 0:
			return h, usageError{fmt.Errorf("--hash-algorithm: %q is none of sha256, blake2b, blake3", f.algorithm)}
		case f.method == "files" && c.Flags().Changed("shard-size"):
			return h, usageError{fmt.Errorf("--shard-size needs --serialization-method shards")}
		case f.method == "files":
			h = h.UseFileSerialization(hashing.Files{Algorithm: algorithm})
		case f.method != "shards":
			return h, usageError{fmt.Errorf("--serialization-method: %q is neither files nor shards", f.method)}
		case f.shardSize <= 0:
			return h, usageError{fmt.Errorf("--shard-size: %d is not positive", f.shardSize)}
		default:
			h = h.UseShardSerialization(hashing.Shards{Algorithm: algorithm, ShardSize: f.shardSize})
		}
	}
	if f.followLFS && (f.method == "shards" || f.algorithm != "" && f.algorithm != "sha256") {
		return h, usageError{fmt.Errorf("--follow-lfs-pointers is for whole files and sha256 alone")}
	}
	if f.maxWorkers < 0 {
		return h, usageError{fmt.Errorf("--max-workers: %d is negative", f.maxWorkers)}
	}
	h, err := f.cache.use(h.SetMaxWorkers(f.maxWorkers).SetFollowLFSPointers(f.followLFS).SetHuggingFace(f.hub), model)
	if err != nil {
		return h, err
	}
	if c.Flags().Changed("allow-symlinks") {
		h = h.SetAllowSymlinks(f.links)
	}
	if c.Flags().Changed("no-ignore-git-paths") || c.Flags().Changed("ignore-git-paths") {
		h = h.SetIgnoreGitPaths(f.ignoreGit)
	}
	if len(f.ignore) == 0 {
		return h, nil
	}
	ignored, err := ignoredPaths(f.ignore, model, log)
	if !c.Flags().Changed("digests") { // which are of files that need not be here
		warnAbsent(ignored, model, log)
	}
	return h.AddIgnoredPaths(ignored...), err
}

// not is the flag that switches another one off. The last of the two on a command line wins.
type not struct{ flag *bool }

func (n not) String() string   { return "false" }
func (n not) Type() string     { return "bool" }
func (n not) IsBoolFlag() bool { return true }

func (n not) Set(s string) error {
	off, err := strconv.ParseBool(s)
	*n.flag = !off
	return err
}
