package enrich

import (
	_ "embed"
	"fmt"
	"sync"

	"github.com/klauspost/compress/zstd"
	"github.com/oschwald/maxminddb-golang/v2"
)

//go:generate go run geodata/refresh.go

// Shipped is the path that stands for the embedded country database.
const Shipped = "shipped"

//go:embed geodata/country.mmdb.zst
var packed []byte

// maxShipped limits the unpacked size of the database, in bytes.
const maxShipped = 64 << 20

// openShipped unpacks the country database once per process. Few commands need
// it, and all that do share it.
var openShipped = sync.OnceValues(func() (*database, error) {
	raw, err := unpack(packed)
	if err != nil {
		return nil, fmt.Errorf("cannot decompress the embedded location database: %w", err)
	}
	r, err := maxminddb.OpenBytes(raw)
	if err != nil {
		return nil, fmt.Errorf("cannot open the embedded location database: %w", err)
	}
	return &database{reader: r}, nil
})

func unpack(packed []byte) ([]byte, error) {
	dec, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(maxShipped))
	if err != nil {
		return nil, err
	}
	defer dec.Close()
	return dec.DecodeAll(packed, nil)
}
