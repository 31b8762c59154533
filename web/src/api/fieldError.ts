/** One field that the server refused; bounds and the like come along. */
export interface FieldError {
  field: string;
  reason: string;
  minimum?: number;
  maximum?: number;
}
