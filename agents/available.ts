import * as tf from "@tensorflow/tfjs";

/** Value given to unavailable actions. */
export const UNAVAILABLE = -1e9;

/** `values` […,A] with the actions whose `mask` […,A] bool is false put out of reach. */
export const available = (values: tf.Tensor, mask: tf.Tensor): tf.Tensor => tf.where(mask, values, UNAVAILABLE);
