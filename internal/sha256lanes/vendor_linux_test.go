//go:build amd64 && !purego

package sha256lanes_test

import (
	"os"
	"regexp"
	"testing"

	"github.com/modelsigning/modelsigning/internal/sha256lanes"
)

func TestVendor(t *testing.T) {
	info, err := os.ReadFile("/proc/cpuinfo")
	if err != nil {
		t.Fatal(err)
	}
	vendor := regexp.MustCompile(`(?m)^vendor_id\s*: (\w+)$`).FindSubmatch(info)
	if vendor == nil {
		t.Skip("/proc/cpuinfo names no vendor, as in an emulator of another architecture")
	}
	if got, want := sha256lanes.IsAMD(), string(vendor[1]) == "AuthenticAMD"; got != want {
		t.Errorf("of AMD: got %v, but the vendor is %s", got, vendor[1])
	}
}
