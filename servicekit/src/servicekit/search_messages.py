"""What is shown of a hit, in the words of the contract."""

from parley.search.v1 import search_pb2
from servicekit.search import Match


def match_to_proto(match: Match) -> search_pb2.Match:
    hits = [search_pb2.Hit(start=start, end=end) for start, end in match.hits]
    return search_pb2.Match(snippet=match.snippet, hits=hits)
