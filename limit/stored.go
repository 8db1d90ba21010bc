package limit

import "fmt"

// CheckStored returns an error for limits of what is kept whose key is neither the placeholder by which things are kept, nor
// none: nothing else is counted.
func (l *Limits) CheckStored(owner string) error {
	if l == nil {
		return nil
	}
	for _, r := range l.stored {
		if r.Key != "" && r.Key != owner {
			return fmt.Errorf("limit '%s': stored is counted by the owner of files, '%s': give the limit that key, or none", r.Name, owner)
		}
	}
	return nil
}

// Full returns the name of a limit that leaves no room for size further bytes of a reply of the model, beside what its owner
// and all owners have; "" if there is none.
func (l *Limits) Full(model string, size int64, owner, all func() int64) string {
	if l == nil {
		return ""
	}
	for _, r := range l.stored {
		if !r.holds(model) {
			continue
		}
		held := all
		if r.Key != "" {
			held = owner
		}
		if held()+size > r.Stored {
			return r.Name
		}
	}
	return ""
}
