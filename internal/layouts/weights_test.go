package layouts_test

import (
	"encoding/binary"
	"fmt"
	"strings"
	"testing"

	"github.com/modelsigning/modelsigning/hashing"
	"github.com/modelsigning/modelsigning/verifying"
)

// safetensors is a file of that format with one tensor of bytes.
func safetensors(tensor, data string) string {
	header := fmt.Sprintf(`{"__metadata__":{"format":"pt"},"%s":{"dtype":"U8","shape":[%d],"data_offsets":[0,%[2]d]}}`, tensor, len(data))
	header += strings.Repeat(" ", -len(header)&7)
	return string(binary.LittleEndian.AppendUint64(nil, uint64(len(header)))) + header + data
}

// gguf is a file of that format, version 3, with metadata but no tensors in its table.
func gguf(metadata map[string]string, data string) string {
	b := append([]byte("GGUF"), 3, 0, 0, 0)
	b = binary.LittleEndian.AppendUint64(b, 0)
	b = binary.LittleEndian.AppendUint64(b, uint64(len(metadata)))
	text := func(s string) { b = append(binary.LittleEndian.AppendUint64(b, uint64(len(s))), s...) }
	for k, v := range metadata {
		text(k)
		b = binary.LittleEndian.AppendUint32(b, 8) // a string
		text(v)
	}
	return string(b) + data
}

func TestShardedSafetensors(t *testing.T) {
	index := `{"metadata":{"total_size":300},"weight_map":{"a":"model-00001-of-00003.safetensors","b":"model-00002-of-00003.safetensors","c":"model-00003-of-00003.safetensors"}}`
	layout{
		files: files{
			"config.json": `{"architectures":["LlamaForCausalLM"]}`, "generation_config.json": "{}", "tokenizer.json": "{}", "tokenizer_config.json": "{}",
			"special_tokens_map.json": "{}", "model.safetensors.index.json": index,
			"model-00001-of-00003.safetensors": safetensors("a", strings.Repeat("1", 100)),
			"model-00002-of-00003.safetensors": safetensors("b", strings.Repeat("2", 100)),
			"model-00003-of-00003.safetensors": safetensors("c", strings.Repeat("3", 100)),
		},
		breakages: []breakage{
			{"two shards swapped", swap("model-00001-of-00003.safetensors", "model-00002-of-00003.safetensors"),
				outcome{changed: []string{"model-00001-of-00003.safetensors", "model-00002-of-00003.safetensors"}}},
			{"a shard not downloaded", remove("model-00003-of-00003.safetensors"), outcome{missing: []string{"model-00003-of-00003.safetensors"}}},
			{"a shard cut short", truncate("model-00002-of-00003.safetensors", 50), outcome{changed: []string{"model-00002-of-00003.safetensors"}}},
			{"the index led elsewhere", write("model.safetensors.index.json", strings.Replace(index, "model-00003", "../other", 1)),
				outcome{changed: []string{"model.safetensors.index.json"}}},
			{"a pickle that is loaded instead", write("pytorch_model.bin", "\x80\x02cos\nsystem\n."), outcome{extra: []string{"pytorch_model.bin"}}},
			{"code that is loaded with trust_remote_code", write("modeling_llama.py", "import os"), outcome{extra: []string{"modeling_llama.py"}}},
		},
	}.test(t)
}

// A server that loads one shard after the other verifies each as it needs it.
func TestShardedSafetensorsInParts(t *testing.T) {
	root := files{
		"config.json": "{}", "model.safetensors.index.json": "{}",
		"model-00001-of-00002.safetensors": safetensors("a", "1"), "model-00002-of-00002.safetensors": safetensors("b", "2"),
	}.build(t)
	sig, v := sign(t, root, hashing.Config())
	flip("model-00002-of-00002.safetensors", 20)(t, root)
	r, err := v.SetOnly("*.json", "model-00001-of-*").Verify(root, sig)
	outcome{}.check(t, "a good part", r, err)
	if err == nil {
		equal(t, "unchecked", r.Unchecked, []string{"model-00002-of-00002.safetensors"})
	}
	_, err = v.SetOnly("model-00002-of-*").Verify(root, sig)
	outcome{changed: []string{"model-00002-of-00002.safetensors"}}.check(t, "a bad part", nil, err)
}

func TestGGUFParts(t *testing.T) {
	template := func(s string) string {
		return gguf(map[string]string{"tokenizer.chat_template": s}, strings.Repeat("q", 200))
	}
	l := layout{
		files: files{
			"README.md": "# m", "config.json": "{}",
			"m-Q4_K_M-00001-of-00003.gguf": template("{{ messages }}"), "m-Q4_K_M-00002-of-00003.gguf": gguf(nil, "22"), "m-Q4_K_M-00003-of-00003.gguf": gguf(nil, "33"),
			"m-Q8_0.gguf": gguf(nil, "88"),
		},
		breakages: []breakage{
			{"another chat template", write("m-Q4_K_M-00001-of-00003.gguf", template("{{ message5 }}")), outcome{changed: []string{"m-Q4_K_M-00001-of-00003.gguf"}}},
			{"parts swapped", swap("m-Q4_K_M-00002-of-00003.gguf", "m-Q4_K_M-00003-of-00003.gguf"),
				outcome{changed: []string{"m-Q4_K_M-00002-of-00003.gguf", "m-Q4_K_M-00003-of-00003.gguf"}}},
			{"a part that did not arrive whole", truncate("m-Q4_K_M-00003-of-00003.gguf", 0), outcome{changed: []string{"m-Q4_K_M-00003-of-00003.gguf"}}},
			{"another quantization", write("m-Q2_K.gguf", gguf(nil, "2")), outcome{extra: []string{"m-Q2_K.gguf"}}},
			{"only one quantization", remove("m-Q8_0.gguf"), outcome{missing: []string{"m-Q8_0.gguf"}}},
		},
	}
	l.test(t)
	// Who has downloaded one quantization asks for that.
	root := l.files.build(t)
	sig, v := sign(t, root, hashing.Config())
	remove("m-Q8_0.gguf")(t, root)
	r, err := v.SetOnly("*-Q4_K_M-*.gguf").Verify(root, sig)
	outcome{}.check(t, "one quantization", r, err)
	_, err = v.SetOnly("*-Q2_K*").Verify(root, sig)
	if _, ok := err.(interface{ Unwrap() error }); !ok || !strings.Contains(err.Error(), verifying.ErrNoMatch.Error()) {
		t.Errorf("one that was not signed: got %v", err)
	}
}

func TestONNXWithExternalData(t *testing.T) {
	// A TensorProto whose external_data says where its bytes are.
	model := func(location string) string { return "\x08\x08:\x40location" + location + "offset0length200" }
	layout{
		files: files{
			"config.json": "{}", "onnx/model.onnx": model("model.onnx_data"), "onnx/model.onnx_data": strings.Repeat("w", 200),
			"onnx/decoder/model.onnx": model("weights/layer.0"), "onnx/decoder/weights/layer.0": strings.Repeat("x", 200),
		},
		breakages: []breakage{
			{"the location leads out of the model", write("onnx/model.onnx", model("../../../etc/passwd")), outcome{changed: []string{"onnx/model.onnx"}}},
			{"the data is missing", remove("onnx/model.onnx_data"), outcome{missing: []string{"onnx/model.onnx_data"}}},
			{"one bit of the data", flip("onnx/decoder/weights/layer.0", 199), outcome{changed: []string{"onnx/decoder/weights/layer.0"}}},
			{"data longer than its tensor", write("onnx/model.onnx_data", strings.Repeat("w", 201)), outcome{changed: []string{"onnx/model.onnx_data"}}},
			{"the data is a link", link("onnx/model.onnx_data", "decoder/weights/layer.0"), outcome{is: hashing.ErrSymlink, path: "model/onnx/model.onnx_data"}},
			{"its directory is a link", link("onnx/decoder/weights", ".."), outcome{is: hashing.ErrSymlink, path: "model/onnx/decoder/weights"}},
		},
	}.test(t)
}

func TestLoRA(t *testing.T) {
	adapter := `{"base_model_name_or_path":"org/base","peft_type":"LORA","r":8}`
	l := layout{
		files: files{"README.md": "---\nlibrary_name: peft\n---", "adapter_config.json": adapter, "adapter_model.safetensors": safetensors("lora_A", "1")},
		breakages: []breakage{
			{"another base model", write("adapter_config.json", strings.Replace(adapter, "org/base", "evil/base", 1)), outcome{changed: []string{"adapter_config.json"}}},
			{"a training that goes on", write("checkpoint-500/optimizer.pt", "x"), outcome{extra: []string{"checkpoint-500/optimizer.pt"}}},
			{"weights of the old format, which are loaded first", write("adapter_model.bin", "x"), outcome{extra: []string{"adapter_model.bin"}}},
			{"a second adapter", write("other/adapter_config.json", adapter), outcome{extra: []string{"other/adapter_config.json"}}},
		},
	}
	l.test(t)
	root := l.files.build(t)
	sig, v := sign(t, root, hashing.Config())
	write("checkpoint-500/optimizer.pt", "x")(t, root)
	r, err := v.SetIgnoreUnsignedFiles(true).Verify(root, sig)
	outcome{unsigned: []string{"checkpoint-500/optimizer.pt"}}.check(t, "a training that goes on, allowed", r, err)
}
