// Package config reads bluetrail's one configuration file: YAML, decoded
// strictly, on top of Default.
package config

import (
	"bytes"
	"fmt"
	"os"
	"time"

	"github.com/goccy/go-yaml"
)

// Config is the whole configuration. Flags go over the environment, the
// environment over the file, the file over Default.
type Config struct {
	Data      string   `yaml:"data"`      // data directory
	Knowledge []string `yaml:"knowledge"` // folders of macros and lookups
	GeoIP     []string `yaml:"geoip"`     // .mmdb files; none = the shipped country database
	TimeZone  string   `yaml:"timezone"`  // IANA name, "Local" or "UTC"
	Search    Search   `yaml:"search"`
}

// Search bounds what one search may use.
type Search struct {
	MemoryMiB      int           `yaml:"memory_mib"`
	TotalMemoryMiB int           `yaml:"total_memory_mib"` // of all searches together
	DiskMiB        int           `yaml:"disk_mib"`         // of temporary files of all searches together, 0 = none
	TempDir        string        `yaml:"temp_dir"`         // where they lie, "" = the system's folder for them
	Time           time.Duration `yaml:"time"`             // 0 = any
	Rows           int           `yaml:"rows"`             // of a result, 0 = any number
	SubsearchRows  int           `yaml:"subsearch_rows"`
	SubsearchTime  time.Duration `yaml:"subsearch_time"`
	JoinRows       int           `yaml:"join_rows"`
	SortRows       int           `yaml:"sort_rows"`
	ListValues     int           `yaml:"list_values"`
	SubsearchDepth int           `yaml:"subsearch_depth"`
}

// Default returns the configuration that holds when nothing is said.
func Default() Config {
	return Config{
		Data:     "bluetrail-data",
		TimeZone: "UTC",
		Search: Search{
			MemoryMiB: 512, TotalMemoryMiB: 2048, DiskMiB: 10240, SubsearchRows: 10000, SubsearchTime: time.Minute,
			JoinRows: 50000, SortRows: 10000, ListValues: 100, SubsearchDepth: 8,
		},
	}
}

// Load reads a file over Default. An unknown key, a wrong type and a value out
// of range are errors that name the file and the place.
func Load(path string) (Config, error) {
	c := Default()
	data, err := os.ReadFile(path)
	if err != nil {
		return c, fmt.Errorf("cannot read configuration: %w", err)
	}
	if len(bytes.TrimSpace(data)) > 0 {
		if err := yaml.UnmarshalWithOptions(data, &c, yaml.Strict()); err != nil {
			return c, fmt.Errorf("cannot read configuration %q: %s", path, yaml.FormatError(err, false, true))
		}
	}
	return c, c.check(path)
}

func (c *Config) check(path string) error {
	for _, n := range []struct {
		key string
		val int
	}{
		{"search.memory_mib", c.Search.MemoryMiB}, {"search.total_memory_mib", c.Search.TotalMemoryMiB}, {"search.subsearch_rows", c.Search.SubsearchRows},
		{"search.join_rows", c.Search.JoinRows}, {"search.sort_rows", c.Search.SortRows},
		{"search.list_values", c.Search.ListValues}, {"search.subsearch_depth", c.Search.SubsearchDepth},
	} {
		if n.val < 1 {
			return fmt.Errorf("configuration %q: %s must be at least 1, not %d", path, n.key, n.val)
		}
	}
	if c.Search.Time < 0 || c.Search.Rows < 0 {
		return fmt.Errorf("configuration %q: search.time and search.rows must not be below 0, which stands for no bound", path)
	}
	if c.Search.DiskMiB < 0 {
		return fmt.Errorf("configuration %q: search.disk_mib must not be below 0, which stands for no temporary files", path)
	}
	if c.Search.SubsearchTime <= 0 {
		return fmt.Errorf("configuration %q: search.subsearch_time must be a duration above 0 such as 60s", path)
	}
	if _, err := time.LoadLocation(c.TimeZone); err != nil {
		return fmt.Errorf("configuration %q: timezone: %w", path, err)
	}
	return nil
}
