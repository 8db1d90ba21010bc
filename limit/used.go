package limit

// Used is how much of a limit the key has used that has used most of it.
type Used struct {
	Limit string
	What  What
	Share float64 // 1: all of it
}

// Used returns how much is used of each limit that is counted in this process. Those that gateways have in common are not known
// here.
func (l *Limits) Used() []Used {
	if l == nil || l.shared != nil {
		return nil
	}
	now := l.now()
	var all []Used
	for _, r := range l.rules {
		for _, one := range []struct {
			what  What
			quota *Quota
			of    func(*entry) *used
		}{
			{OfRequests, r.Requests, func(e *entry) *used { return &e.requests }},
			{OfTokens, r.Tokens, func(e *entry) *used { return &e.tokens }},
			{OfCost, r.Cost, func(e *entry) *used { return &e.cost }},
		} {
			if one.quota != nil {
				all = append(all, Used{r.Name, one.what, r.store.fullest(one.quota, one.of, now)})
			}
		}
	}
	return all
}

// fullest returns the share of the quota that the key has used which has used most.
func (s *store) fullest(q *Quota, of func(*entry) *used, now instant) (share float64) {
	for i := range s.shards {
		sh := &s.shards[i]
		sh.mu.Lock()
		for _, el := range sh.entries {
			e := el.Value.(*entry)
			e.mu.Lock()
			r := of(e).report(q, now)
			e.mu.Unlock()
			share = max(share, 1-float64(r.Remaining)/float64(r.Limit))
		}
		sh.mu.Unlock()
	}
	return share
}
