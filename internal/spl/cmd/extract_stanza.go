package cmd

import (
	"cmp"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"bluetrail/internal/diag"
	"bluetrail/internal/spl/exec"
	"bluetrail/internal/spl/pcre"
)

// stanzaExtractor extracts fields according to a stanza of transforms.conf.
type stanzaExtractor struct {
	exec.Extraction
	env    *exec.Env
	re     *pcre.Regexp
	format []formatPair
	pairs  *Extract // for two sets of delimiters
}

// formatPair is one name::value of a FORMAT. Both may contain references such
// as $1.
type formatPair struct{ name, value string }

func newStanzaExtractor(env *exec.Env, name string) (*stanzaExtractor, error) {
	known := env.Knowledge
	if known == nil {
		return nil, fmt.Errorf("there is no extraction %q: no knowledge folder is known (give one with --knowledge)", name)
	}
	e, ok := known.Extraction(name)
	if !ok {
		hint := cmp.Or(diag.Suggest(name, known.ExtractionNames(), "extractions"), "transforms.conf of the knowledge folder defines them")
		return nil, fmt.Errorf("there is no extraction %q (%s)", name, hint)
	}
	x := &stanzaExtractor{Extraction: e, env: env}
	switch {
	case e.Regex != "":
		var err error
		if x.re, err = pcre.Compile(e.Regex); err != nil {
			return nil, err
		}
		x.re = x.re.Polling(env.Poll)
		for _, m := range formatPairs.FindAllStringSubmatch(e.Format, -1) {
			x.format = append(x.format, formatPair{strings.Trim(m[1], `"`), strings.Trim(m[2], `"`)})
		}
	case e.KVDelims != "":
		x.pairs = &Extract{PairDelim: e.PairDelims, KVDelim: e.KVDelims, Clean: !e.RawKeys, KeepEmpty: e.KeepEmpty}
	}
	return x, nil
}

var (
	formatPairs = regexp.MustCompile(`("[^"]*"|[^\s":]+)::("[^"]*"|\S+)`)
	groupRef    = regexp.MustCompile(`\$(\d+)`)
)

// each calls yield for every field in a text. A field may occur more than once.
func (x *stanzaExtractor) each(text string, yield func(key, value string)) {
	set := func(key, value string) {
		if !x.RawKeys {
			key = cleanKey(key)
		}
		if key = strings.TrimLeft(key, "_"); key != "" && (value != "" || x.KeepEmpty) {
			yield(key, value)
		}
	}
	switch {
	case x.pairs != nil:
		x.pairs.pairs(text, yield)
	case x.re == nil:
		for _, name := range x.Fields {
			end := strings.IndexAny(text, x.PairDelims)
			if end < 0 {
				set(name, strings.Trim(text, `"`))
				break
			}
			set(name, strings.Trim(text[:end], `"`))
			_, n := utf8.DecodeRuneInString(text[end:])
			text = text[end+n:]
		}
	default:
		x.fits(text, set)
	}
}

// fits yields the fields of the first match of the expression, or of every
// match if names come from the text or all values are kept.
func (x *stanzaExtractor) fits(text string, set func(key, value string)) {
	most := 1
	names := x.re.Names()
	for _, name := range names {
		if strings.HasPrefix(name, "_KEY_") {
			most = -1
		}
	}
	for _, f := range x.format {
		if strings.Contains(f.name, "$") {
			most = -1
		}
	}
	if x.Add {
		most = -1
	}
	places, err := x.re.FindAll(text, most)
	if err != nil {
		x.env.Warn("extract %s: %v; such values are unchanged", x.Name, err)
	}
	for _, p := range places {
		group := func(n int) string {
			if 2*n+1 < len(p) && p[2*n] >= 0 {
				return text[p[2*n]:p[2*n+1]]
			}
			return ""
		}
		fill := func(s string) string {
			return groupRef.ReplaceAllStringFunc(s, func(ref string) string {
				n, _ := strconv.Atoi(ref[1:])
				return group(n)
			})
		}
		for _, f := range x.format {
			set(fill(f.name), fill(f.value))
		}
		if len(x.format) > 0 {
			continue
		}
		keys := map[string]string{}
		for n, name := range names {
			if key, ok := strings.CutPrefix(name, "_KEY_"); ok {
				keys[key] = group(n)
			}
		}
		for n, name := range names {
			if key, ok := strings.CutPrefix(name, "_VAL_"); ok {
				set(keys[key], group(n))
			} else if name != "" && !strings.HasPrefix(name, "_KEY_") {
				set(name, group(n))
			}
		}
	}
}
