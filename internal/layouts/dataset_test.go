package layouts_test

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/modelsigning/modelsigning/hashing"
)

// parquet is a file of that format, of which only the ends are true.
func parquet(i int) string { return fmt.Sprintf("PAR1 row group of part %d PAR1", i) }

// A data set of 50,000 files in Hive's partitions, with the markers and checksums that Spark writes.
func TestParquetDataset(t *testing.T) {
	const partitions, parts = 50, 500 // and as many checksums
	root := t.TempDir()
	for p := range partitions {
		dir := filepath.Join(root, fmt.Sprintf("year=%d/month=%02d", 2020+p/12, 1+p%12))
		must(t, os.MkdirAll(dir, 0o777))
		for i := range parts {
			name := fmt.Sprintf("part-%05d-0b6c-c000.snappy.parquet", i)
			must(t, os.WriteFile(filepath.Join(dir, name), []byte(parquet(p*parts+i)), 0o666))
			must(t, os.WriteFile(filepath.Join(dir, "."+name+".crc"), []byte{byte(i), byte(p)}, 0o666))
		}
	}
	put(t, root, "_SUCCESS", "")
	put(t, root, "._SUCCESS.crc", "crc")
	sig, v := sign(t, root, hashing.Config())
	start := time.Now()
	r, err := v.Verify(root, sig)
	outcome{}.check(t, "as it is", r, err)
	if err != nil {
		return
	}
	if n := len(r.Manifest.Resources); n != 2*partitions*parts+2 {
		t.Errorf("%d files are signed", n)
	}
	t.Logf("verified in %v", time.Since(start))

	// All of it at once, since each look at the data set takes a while.
	const month = "year=2020/month=03/"
	part := func(i int) string { return fmt.Sprintf("%spart-%05d-0b6c-c000.snappy.parquet", month, i) }
	const moved = "year=2020/month=04/part-00500-moved.parquet"
	swap(part(7), part(8))(t, root)
	flip(part(9), 9)(t, root)
	remove("_SUCCESS")(t, root)
	must(t, os.Rename(filepath.Join(root, part(10)), filepath.Join(root, moved)))
	write(month+"part-00500.parquet", "appended")(t, root)
	_, err = v.Verify(root, sig)
	outcome{
		changed: []string{part(7), part(8), part(9)},
		missing: []string{"_SUCCESS", part(10)},
		extra:   []string{month + "part-00500.parquet", moved},
	}.check(t, "broken", nil, err)

	// Some months are verified without the others.
	must(t, os.RemoveAll(filepath.Join(root, "year=2021")))
	r, err = v.SetOnly("year=2020/month=0[4-6]/part-00[01]*.parquet").Verify(root, sig)
	outcome{}.check(t, "a part of three months", r, err)
	if err == nil && len(r.Unchecked) != 2*partitions*parts+2-3*200 {
		t.Errorf("%d files were not checked", len(r.Unchecked))
	}
	// The error about thousands of files is short, and has them all.
	_, err = v.Verify(root, sig)
	if err == nil || len(err.Error()) > 1000 {
		t.Errorf("got %.2000v", err)
	}
}
