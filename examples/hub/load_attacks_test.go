//go:build linux

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"time"
)

// attacks are what may not be stored. Each ends when it has done its worst; false says that a wrong answer was given.
var attacks = []struct {
	name   string
	attack func(ctx context.Context, l *load, i int) (reply, bool)
}{
	{"changed byte", func(ctx context.Context, l *load, i int) (reply, bool) {
		name, model, bundle := l.model(i)
		bad := slices.Clone(model["weights/part-2.bin"])
		bad[rand.IntN(len(bad))] ^= 1
		model["weights/part-2.bin"] = bad
		r := l.c.upload(ctx, name, bundle, model)
		return r, r.kind == "mismatch" || r.err != nil // a hub that does not listen any more may be noticed first
	}},
	{"extra file", func(ctx context.Context, l *load, i int) (reply, bool) {
		name, model, bundle := l.model(i)
		model["run.py"] = []byte("import os")
		r := l.c.upload(ctx, name, bundle, model)
		return r, r.kind == "mismatch"
	}},
	{"name with ..", func(ctx context.Context, l *load, i int) (reply, bool) {
		name, _, bundle := l.model(i)
		upload, r := l.c.begin(ctx, name, bytes.NewReader(bundle))
		if r.status != http.StatusCreated {
			return r, false
		}
		for _, path := range []string{"../../../evil", "weights/../../evil", "..", "/etc/evil", `..\evil`, "a//b", "a\nb", "a\x00b", "\xff"} {
			if r := l.c.put(ctx, upload, path, strings.NewReader("evil")); r.status != http.StatusBadRequest || r.kind != "name" {
				return r, false
			}
		}
		r = l.c.do(ctx, "POST", upload+"/commit", nil)
		return r, r.kind == "mismatch"
	}},
	{"bundle of another model", func(ctx context.Context, l *load, i int) (reply, bool) {
		name, model, _ := l.model(i)
		_, _, bundle := l.model(i + 1)
		r := l.c.upload(ctx, name, bundle, model)
		return r, r.kind == "mismatch" || r.err != nil
	}},
	{"stalled client", func(ctx context.Context, l *load, i int) (reply, bool) {
		name, model, bundle := l.model(i)
		upload, r := l.c.begin(ctx, name, bytes.NewReader(bundle))
		if r.status != http.StatusCreated {
			return r, false
		}
		half := model["weights/part-1.bin"]
		never, w := io.Pipe()
		defer w.Close()
		r = l.c.put(ctx, upload, "weights/part-1.bin", io.MultiReader(bytes.NewReader(half[:len(half)/2]), never))
		return r, r.kind == "stalled" || r.err != nil && ctx.Err() == nil
	}},
	{"10 GB bundle", func(ctx context.Context, l *load, i int) (reply, bool) {
		_, r := l.c.begin(ctx, fmt.Sprintf("model-%d", i), io.LimitReader(zeros{}, 10e9))
		return r, r.kind == "too_large" || r.err != nil && ctx.Err() == nil
	}},
	{"cut at 90 %", func(ctx context.Context, l *load, i int) (reply, bool) {
		name, model, bundle := l.model(i)
		upload, r := l.c.begin(ctx, name, bytes.NewReader(bundle))
		if r.status != http.StatusCreated {
			return r, false
		}
		for path, data := range model {
			if path != "weights/part-1.bin" {
				if r := l.c.put(ctx, upload, path, bytes.NewReader(data)); r.status != http.StatusNoContent {
					return r, false
				}
			}
		}
		data := model["weights/part-1.bin"]
		r = l.c.put(ctx, upload, "weights/part-1.bin", io.MultiReader(bytes.NewReader(data[:len(data)*9/10]), broken{}))
		if r.err == nil {
			return r, false
		}
		for { // until the hub has noticed, too
			// A hub that is too busy to read the request drops the connection.
			if r = l.c.do(ctx, "POST", upload+"/commit", nil); r.kind != "in_use" && r.err == nil {
				return r, r.kind == "incomplete" || r.kind == "mismatch" // as the hub has heard of the file or not
			}
			time.Sleep(10 * time.Millisecond)
		}
	}},
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, errors.New("cut") }
