package main

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
)

// The model is a bigram model of letters: an embedding and a projection. It is complete and loads in any reader
// of safetensors, but was never trained.
const (
	vocabulary = 27
	hidden     = 32
)

const config = `{
  "architectures": ["BigramModel"],
  "hidden_size": 32,
  "model_type": "bigram",
  "torch_dtype": "float32",
  "vocab_size": 27
}
`

func writeModel(dir string) error {
	weights, err := safetensors()
	if err != nil {
		return err
	}
	tokens, err := tokenizer()
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Join(dir, "tokenizer"), 0o755); err != nil {
		return err
	}
	for name, data := range map[string][]byte{
		"config.json":          []byte(config),
		"model.safetensors":    weights,
		"tokenizer/vocab.json": tokens,
	} {
		if err := os.WriteFile(filepath.Join(dir, filepath.FromSlash(name)), data, 0o644); err != nil {
			return err
		}
	}
	return nil
}

func tokenizer() ([]byte, error) {
	vocab := map[string]int{" ": 0}
	for i := 1; i < vocabulary; i++ {
		vocab[string(rune('a'+i-1))] = i
	}
	return json.MarshalIndent(vocab, "", "  ")
}

type tensor struct {
	Type    string `json:"dtype"`
	Shape   [2]int `json:"shape"`
	Offsets [2]int `json:"data_offsets"`
}

// safetensors returns a file of that format: the length of the header in eight bytes, the header in JSON, padded
// so that the tensors are aligned, and the tensors. The weights are the same each time.
func safetensors() ([]byte, error) {
	const size = 4 * vocabulary * hidden
	header, err := json.Marshal(map[string]any{
		"__metadata__":     map[string]string{"format": "pt"},
		"embedding.weight": tensor{"F32", [2]int{vocabulary, hidden}, [2]int{0, size}},
		"output.weight":    tensor{"F32", [2]int{vocabulary, hidden}, [2]int{size, 2 * size}},
	})
	if err != nil {
		return nil, err
	}
	header = append(header, bytes.Repeat([]byte(" "), -len(header)&7)...)
	file := binary.LittleEndian.AppendUint64(nil, uint64(len(header)))
	file = append(file, header...)
	source := rand.New(rand.NewPCG(1, 2))
	for range 2 * vocabulary * hidden {
		weight := float32(source.NormFloat64() * 0.02)
		file = binary.LittleEndian.AppendUint32(file, math.Float32bits(weight))
	}
	return file, nil
}

// copyLimit is how much of a file is copied: enough to have a byte to change.
const copyLimit = 1 << 20

// copyOne copies the smallest file of the model that is not empty, or its beginning, into dir.
func copyOne(model, dir string) (string, error) {
	root, err := filepath.EvalSymlinks(model) // since WalkDir does not follow a link, not even its root
	if err != nil {
		return "", err
	}
	smallest, size := "", int64(math.MaxInt64)
	err = filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		info, err := d.Info()
		if err == nil && info.Size() > 0 && info.Size() < size {
			smallest, size = path, info.Size()
		}
		return err
	})
	if err != nil {
		return "", err
	}
	if smallest == "" {
		return "", errors.New("all files of the model are empty: there is no byte to change")
	}
	from, err := os.Open(smallest)
	if err != nil {
		return "", err
	}
	defer from.Close()
	target := filepath.Join(dir, "copy-of-"+filepath.Base(smallest))
	to, err := os.Create(target)
	if err != nil {
		return "", err
	}
	if _, err := io.Copy(to, io.LimitReader(from, copyLimit)); err != nil {
		to.Close()
		return "", fmt.Errorf("copying %s: %w", smallest, err)
	}
	return target, to.Close()
}
