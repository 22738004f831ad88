package verdict

import "strings"

// Table returns the decision table in the words of the README. A row has the fix, the half that is judged, the other half, the
// name, the conditions, and what the client gets.
func Table() (rows [][]string) {
	for i := range table {
		r := &table[i]
		own := r.Own.words()
		if r.OnlyAAAA {
			own = "AAAA: " + own
		}
		rows = append(rows, []string{r.Fix.String(), own, r.Sibling.words(), r.Kinds.words(), r.conditions(), r.result()})
	}
	return rows
}

var outcomeWords = [NumOutcomes]string{Failed: "failure", Data: "data", Nodata: "NODATA", Nxdomain: "NXDOMAIN"}

func (set outcomes) words() string {
	if set == 0 {
		return "any"
	}
	var list []string
	for o := Failed; o < NumOutcomes; o++ {
		if set.admits(o) {
			list = append(list, outcomeWords[o])
		}
	}
	return strings.Join(list, " or ")
}

func (set kinds) words() string {
	return map[kinds]string{0: "any", plain: "plain", ofNodes: "node", expanded: "cluster or node"}[set]
}

// conditions lists what else must hold.
func (r *Rule) conditions() string {
	var list []string
	for _, c := range []struct {
		isMet bool
		words string
	}{
		{r.Refused, "both REFUSED"},
		{r.Stranger, "random name too"},
		{r.Ahead, "address ahead"},
		{r.Hijacked, "wildcard"},
		{r.Claimed, "asked for both"},
	} {
		if c.isMet {
			list = append(list, c.words)
		}
	}
	return strings.Join(list, ", ")
}

func (r *Rule) result() string {
	words := map[Verdict]string{Pass: "unchanged", ToNodata: "NODATA", ToNxdomain: "NXDOMAIN"}[r.Verdict]
	if r.IsBrief {
		words += ", 5 s"
	}
	return words
}
