package splrule

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Found is the files below some folders that may hold rules, and the folders
// that hold knowledge for them.
type Found struct {
	Files     []string // sorted within each folder asked for
	Knowledge []string // parents of macros/ and lookups/ or of an app's .conf files, outermost first
	Baselines []string // files of the folders baselines/ beside that knowledge, which keep lookups and models
}

// knowledgeFolders are the folders whose YAML files are no rules.
var knowledgeFolders = []string{"macros", "lookups"}

// knowledgeFiles are the files of an app that say where its knowledge is.
var knowledgeFiles = []string{"macros.conf", "transforms.conf", "eventtypes.conf"}

// above is how far up from a folder of rules its macros are looked for:
// content/detections/cloud/removed/x.yml has them in content.
const above = 5

// Find looks through files and folders; links inside them are not followed. Folders that
// cannot be read are in the error, what else there is was found.
func Find(ctx context.Context, paths []string) (Found, error) {
	var found Found
	var bad []error
	for _, path := range paths {
		var inside []string
		root := path
		if info, err := os.Stat(path); err == nil && info.IsDir() {
			root += string(filepath.Separator) // a link that is asked for is followed
		}
		err := filepath.WalkDir(root, func(p string, e fs.DirEntry, err error) error {
			if err != nil {
				if bad = append(bad, err); e != nil && e.IsDir() {
					return fs.SkipDir
				}
				return nil
			}
			if err := ctx.Err(); err != nil {
				return err
			}
			switch {
			case e.IsDir() && p != root && slices.Contains(knowledgeFolders, e.Name()):
				inside = append(inside, filepath.Dir(p))
				return fs.SkipDir
			case !e.Type().IsRegular():
			case isYAML(p), e.Name() == "savedsearches.conf":
				found.Files = append(found.Files, p)
			case slices.Contains(knowledgeFiles, e.Name()):
				dir := filepath.Dir(p)
				if base := filepath.Base(dir); base == "default" || base == "local" {
					dir = filepath.Dir(dir)
				}
				inside = append(inside, dir)
			}
			return nil
		})
		if err != nil {
			return found, err
		}
		found.Knowledge = append(append(found.Knowledge, outside(path)...), inside...)
	}
	found.Knowledge = distinct(found.Knowledge)
	for _, dir := range found.Knowledge {
		below := filepath.Join(dir, "baselines")
		entries, err := os.ReadDir(below)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			bad = append(bad, err)
		}
		for _, e := range entries {
			if e.Type().IsRegular() && isYAML(e.Name()) {
				found.Baselines = append(found.Baselines, filepath.Join(below, e.Name()))
			}
		}
	}
	found.Files = distinct(found.Files)
	return found, errors.Join(bad...)
}

func isYAML(path string) bool {
	ext := strings.ToLower(filepath.Ext(path))
	return ext == ".yml" || ext == ".yaml"
}

// outside returns the nearest folder above path that has knowledge.
func outside(path string) []string {
	dir, err := filepath.Abs(path)
	if err != nil {
		return nil
	}
	for range above {
		dir = filepath.Dir(dir)
		for _, name := range knowledgeFolders {
			if info, err := os.Stat(filepath.Join(dir, name)); err == nil && info.IsDir() {
				return []string{dir}
			}
		}
		for _, name := range knowledgeFiles {
			for _, layer := range []string{"", "default", "local"} {
				if info, err := os.Stat(filepath.Join(dir, layer, name)); err == nil && info.Mode().IsRegular() {
					if base := filepath.Base(dir); layer == "" && (base == "default" || base == "local") {
						return []string{filepath.Dir(dir)}
					}
					return []string{dir}
				}
			}
		}
	}
	return nil
}

// distinct keeps the first of equal texts, in their order.
func distinct(list []string) []string {
	seen := map[string]bool{}
	return slices.DeleteFunc(list, func(s string) bool {
		was := seen[s]
		seen[s] = true
		return was
	})
}
