import {
  queryOptions,
  useInfiniteQuery,
  useMutation,
  useQuery,
  useQueryClient,
} from "@tanstack/react-query";
import { api, ok, type paths, type Schema } from "../../api";
import { useSession } from "../../session";

export type ManagedUser = Schema<"ManagedUser">;
type Query<Path extends "/api/v1/admin/users" | "/api/v1/admin/audit" | "/api/v1/admin/usage"> =
  NonNullable<paths[Path]["get"]["parameters"]["query"]>;

const USERS = "admin-users";
const TENANTS = ["admin-tenants"];

/** Users that fit, by name. */
export function useUsers(filter: Pick<Query<"/api/v1/admin/users">, "q" | "status">) {
  return useInfiniteQuery({
    queryKey: [USERS, filter],
    queryFn: ({ signal, pageParam }) =>
      ok(
        api.GET("/api/v1/admin/users", {
          signal,
          params: { query: { ...filter, limit: 50, cursor: pageParam } },
        }),
      ),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (page) => page.next_cursor ?? undefined,
    placeholderData: (before) => before,
  });
}

/** Those of `ids` whom the caller may see, 100 at most. */
export function usersById(ids: readonly string[]) {
  const wanted = [...new Set(ids)].sort();
  return queryOptions({
    queryKey: [USERS, "by-id", wanted],
    enabled: wanted.length > 0,
    queryFn: async ({ signal }) => {
      const query = { ids: wanted.join(","), limit: 100 };
      return (await ok(api.GET("/api/v1/admin/users", { signal, params: { query } }))).items;
    },
  });
}

/** All tenants; nothing is asked unless an operator asks. */
export function useTenants() {
  const { user } = useSession();
  return useQuery({
    queryKey: TENANTS,
    enabled: user?.role === "operator",
    async queryFn({ signal }) {
      const found: Schema<"Tenant">[] = [];
      let cursor: string | undefined;
      do {
        const query = { limit: 100, cursor };
        const page = await ok(api.GET("/api/v1/admin/tenants", { signal, params: { query } }));
        found.push(...page.items);
        cursor = page.next_cursor ?? undefined;
      } while (cursor !== undefined);
      return found;
    },
  });
}

/** What has happened, the newest first. */
export function useAudit(filter: Omit<Query<"/api/v1/admin/audit">, "limit" | "cursor">) {
  return useInfiniteQuery({
    queryKey: ["admin-audit", filter],
    queryFn: ({ signal, pageParam }) =>
      ok(
        api.GET("/api/v1/admin/audit", {
          signal,
          params: { query: { ...filter, limit: 50, cursor: pageParam } },
        }),
      ),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (page) => page.next_cursor ?? undefined,
    staleTime: 0,
  });
}

/** What users have used, by whatever is told apart. */
export function useTenantsUsage(filter: Omit<Query<"/api/v1/admin/usage">, "limit" | "cursor">) {
  return useInfiniteQuery({
    queryKey: ["admin-usage", filter],
    queryFn: ({ signal, pageParam }) =>
      ok(
        api.GET("/api/v1/admin/usage", {
          signal,
          params: { query: { ...filter, limit: 50, cursor: pageParam } },
        }),
      ),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (page) => page.next_cursor ?? undefined,
    // Told apart by something else its rows would have wrong names.
    placeholderData: (before, earlier) =>
      (earlier?.queryKey[1] as typeof filter | undefined)?.by === filter.by ? before : undefined,
    // Each look is in the audit log: not at each return to the window.
    refetchOnWindowFocus: false,
  });
}

/** Changes a user's role or status. */
export function useChangeUser() {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: ({ id, ...body }: Schema<"UserChange"> & { id: string }) =>
      ok(api.PATCH("/api/v1/admin/users/{user_id}", { body, params: { path: { user_id: id } } })),
    onSettled: () => queries.invalidateQueries({ queryKey: [USERS] }),
  });
}

/** Deletes a user; gives the id of the receipt. */
export function useDeleteUser() {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: (user_id: string) =>
      ok(api.DELETE("/api/v1/admin/users/{user_id}", { params: { path: { user_id } } })),
    onSettled: () => queries.invalidateQueries({ queryKey: [USERS] }),
  });
}

export function useMakeTenant(headersOf: (body: unknown) => { "Idempotency-Key": string }) {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: (body: Schema<"NewTenant">) =>
      ok(api.POST("/api/v1/admin/tenants", { body, headers: headersOf(body) })),
    onSuccess: () => queries.invalidateQueries({ queryKey: TENANTS }),
  });
}
