package knowledge

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"bluetrail/internal/spl/exec"
	"bluetrail/internal/spl/pcre"
)

// Extraction implements exec.Knowledge. Extractions are the stanzas of
// transforms.conf that are not lookups.
func (k *Knowledge) Extraction(name string) (exec.Extraction, bool) {
	e, ok := k.extractions()[name]
	return e, ok
}

// ExtractionNames implements exec.Knowledge.
func (k *Knowledge) ExtractionNames() []string {
	return slices.Sorted(maps.Keys(k.extractions()))
}

func (k *Knowledge) loadExtractions() map[string]exec.Extraction {
	all := map[string]exec.Extraction{}
	k.eachStanza("transforms.conf", func(_, _ string, s *stanza) error {
		if isLookup(s) || s.settings["REGEX"] == "" && s.settings["DELIMS"] == "" {
			return nil
		}
		e, err := extractionFromStanza(s)
		if err == nil {
			all[e.Name] = e
		}
		return err
	})
	return all
}

func extractionFromStanza(s *stanza) (exec.Extraction, error) {
	set := s.settings
	e := exec.Extraction{
		Name: s.name, Source: strings.TrimPrefix(set["SOURCE_KEY"], "field:"), Regex: set["REGEX"], Format: set["FORMAT"],
		Add: Truth(set["MV_ADD"], false), RawKeys: !Truth(set["CLEAN_KEYS"], true), KeepEmpty: Truth(set["KEEP_EMPTY_VALS"], false),
	}
	if e.Source == "" {
		e.Source = "_raw"
	}
	if set["DEST_KEY"] != "" {
		return e, errors.New("index-time transforms (DEST_KEY) are not supported")
	}
	if e.Regex != "" {
		_, err := pcre.Compile(e.Regex)
		return e, err
	}
	delims := quotedList(set["DELIMS"])
	switch len(delims) {
	case 1:
		if e.Fields = quotedList(set["FIELDS"]); len(e.Fields) == 0 {
			return e, errors.New("DELIMS with one set of characters needs FIELDS")
		}
	case 2:
		e.KVDelims = delims[1]
	default:
		return e, fmt.Errorf("DELIMS must be one or two quoted texts, not %s", set["DELIMS"])
	}
	if e.PairDelims = delims[0]; e.PairDelims == "" || len(delims) == 2 && e.KVDelims == "" {
		return e, errors.New("DELIMS must not be empty")
	}
	return e, nil
}

// quotedList parses quoted or unquoted texts separated by commas or blanks; \t
// and \n are a tab and a newline.
func quotedList(s string) []string {
	var list []string
	for s = strings.TrimLeft(s, ", \t\n"); s != ""; s = strings.TrimLeft(s, ", \t\n") {
		var text string
		if rest, ok := strings.CutPrefix(s, `"`); ok {
			end := 0
			for end < len(rest) && rest[end] != '"' {
				if rest[end] == '\\' {
					end++
				}
				end++
			}
			end = min(end, len(rest))
			text, s = rest[:end], strings.TrimPrefix(rest[end:], `"`)
		} else {
			end := strings.IndexAny(s, ", \t\n")
			if end < 0 {
				end = len(s)
			}
			text, s = s[:end], s[end:]
		}
		list = append(list, strings.NewReplacer(`\t`, "\t", `\n`, "\n", `\"`, `"`, `\\`, `\`).Replace(text))
	}
	return list
}
