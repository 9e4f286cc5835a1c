package hashing_test

import (
	"fmt"
	"log"

	"github.com/modelsigning/modelsigning/hashing"
	"github.com/modelsigning/modelsigning/manifest"
)

func ExampleHash() {
	m, err := hashing.Hash("testdata/finbert")
	if err != nil {
		log.Fatal(err)
	}
	for _, r := range m.Resources {
		fmt.Println(r.Name(), r.Digest)
	}
	// Output:
	// config.json sha256:665939e0da5aa211ec9832ffe5dcba176d1bbac8a95c899c270ec29082853c51
	// onnx/model.onnx sha256:78fcbaf7e2f895da432c51ad39dcf163b228e2b5b45aca5c4eb06773e19d5e22
	// tokenizer.json sha256:ca3d163bab055381827226140568f3bef7eaac187cebd76878e0b63e9e442356
	// tokenizer/vocab.txt sha256:baaffec70d0b8f0f47664f0efc76a998ef632783831b56cc18f0e6c5cf316087
}

func ExampleConfig() {
	m, err := hashing.Config().
		UseShardSerialization(hashing.Shards{Algorithm: manifest.BLAKE3, ShardSize: 16}).
		AddIgnoredPaths("onnx").
		Hash("testdata/finbert")
	if err != nil {
		log.Fatal(err)
	}
	for _, r := range m.Resources {
		fmt.Println(r.Name())
	}
	// Output:
	// config.json:0:16
	// config.json:16:23
	// tokenizer.json:0:3
	// tokenizer/vocab.txt:0:12
}
